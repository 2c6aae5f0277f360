"""`make` says what it does, and what is missing where it cannot."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scratch import PROJECT

TARGETS = ("setup", "demo", "up", "check", "render", "lint", "test", "bench", "clean", "help")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files that set-up reads, in a folder without a `.venv`."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / "serving").mkdir()
    shutil.copy(PROJECT / "serving" / "pyproject.toml", tmp_path / "serving" / "pyproject.toml")
    return tmp_path


def make(folder: Path, *words: str, path: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run make in a folder, with another PATH if given."""
    environment = os.environ | ({"PATH": path} if path else {})
    command = [shutil.which("make") or "make", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def programs(folder: Path, *names: str) -> str:
    """A PATH that holds only the named programs and a shell."""
    folder.mkdir()
    for name in (*names, "sh"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


def test_help_names_every_target() -> None:
    """`make help` shows each promised target with what it does."""
    shown = re.findall(r"^([a-z-]+) +\S", make(PROJECT, "help").stdout, re.MULTILINE)

    assert [] == [target for target in TARGETS if target not in shown]


def test_a_missing_python_is_named(project: Path) -> None:
    """Set-up without Python says what to install and how to name another."""
    done = make(project, "setup", "PYTHON=python-absent")

    assert done.returncode != 0
    assert "python-absent is missing: install Python 3.11 or newer" in done.stderr


def test_an_old_python_is_named(project: Path, tmp_path: Path) -> None:
    """Set-up with a Python that is too old says so before anything is made."""
    old = tmp_path / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" || exit 1\n')
    old.chmod(0o755)

    done = make(project, "setup", f"PYTHON={old}")

    assert "Python 3.9.2 is too old: Python 3.11 or newer is needed" in done.stderr
    assert not (project / ".venv").exists()


def test_a_missing_git_is_named(project: Path, tmp_path: Path) -> None:
    """Set-up without git says how to install it."""
    done = make(project, "setup", path=programs(tmp_path / "bin", "python3"))

    assert done.returncode != 0
    assert "git is missing: install it" in done.stderr
