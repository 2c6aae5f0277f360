"""Folders that behave as a cache volume may: small, or of another user."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import pytest

STRANGER = 65534  # nobody: a user who owns nothing here


@contextmanager
def small(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A file system of so many bytes, at this folder."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    made = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def stranger() -> Iterator[None]:
    """Be another user, who has no rights of root's."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(0)


def open_to_all(folder: Path) -> None:
    """Let every user come to what lies in a test's folder."""
    above = takewhile(lambda each: each != Path(tempfile.gettempdir()), folder.parents)
    for each in (folder, *above):
        each.chmod(each.stat().st_mode | 0o055)
