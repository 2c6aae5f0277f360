"""What must hold for this repository as a whole."""

import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from modelctl.check import check_tree
from modelctl.loading import load
from modelctl.tree import WorkTree
from modelctl.workspace import render_changes
from scratch import PROJECT, git

CHECK_WITHIN_S = 2.0
FORBIDDEN = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")


def test_the_repository_passes_its_own_check() -> None:
    """No rule has anything to say about the samples."""
    assert [] == [str(finding) for finding in check_tree(WorkTree(PROJECT))]


def test_every_generated_file_is_current() -> None:
    """`modelctl render` would change nothing."""
    assert {} == render_changes(load(WorkTree(PROJECT)))


def test_a_check_of_the_repository_takes_less_than_two_seconds() -> None:
    """The whole command, Python's start included, is quick enough for every commit."""
    command = [sys.executable, "-m", "modelctl", "check"]
    took_s = []
    for _ in range(3):
        began = time.monotonic()
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
        took_s.append(time.monotonic() - began)

    assert done.returncode == 0
    assert min(took_s) < CHECK_WITHIN_S


def tracked(*suffixes: str) -> list[Path]:
    """Files of the repository with one of the suffixes."""
    listed = git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = (PROJECT / name for name in listed.split("\0") if name.endswith(suffixes))
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("lock", ["requirements", "requirements-dev", "serving/requirements"])
def test_every_locked_requirement_has_a_hash(lock: str) -> None:
    """A lock file pins each requirement by version and verifies it by hash."""
    text = (PROJECT / f"{lock}.lock").read_text().replace("\\\n", " ")
    pinned = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert [] == [line for line in pinned if "==" not in line or "--hash=sha256:" not in line]


@pytest.mark.parametrize("project", ["pyproject.toml", "serving/pyproject.toml"])
def test_every_dependency_has_a_reason(project: str) -> None:
    """Each direct dependency stands on a line of its own with its reason beside it."""
    text = (PROJECT / project).read_text()
    data = tomllib.loads(text)
    groups = data.get("dependency-groups", {}).values()
    named = [
        *data["project"]["dependencies"],
        *(r for g in groups for r in g if isinstance(r, str)),
    ]

    lines = {line.split('"')[1]: line for line in text.splitlines() if line.startswith('  "')}
    assert [] == [name for name in named if "#" not in lines[name]]


def test_no_text_is_left_to_do() -> None:
    """No file carries a note to finish it later."""
    paths = tracked(".py", ".md", ".yaml", ".toml")

    assert [] == [
        str(path) for path in paths if FORBIDDEN.search(path.read_text("utf-8", "replace"))
    ]
