"""The tutorial, command by command, by a shell, as somebody types it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratch import PROJECT
from waiting import until

_TEXT = (PROJECT / "docs/tutorial/first-model.md").read_text()
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SERVE, _LOOK = "modelctl up\n", "modelctl status\n"
_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Ann"), ("EMAIL", "ann@example.com"))
}


class Typed:
    """A person at a shell: what was typed before still holds, such as the folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self.serves = False

    def run(self, lines: str) -> str:
        """What a block of the page prints; every command of it has to succeed."""
        place = self._folder.parent / "place"
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{lines}\npwd >'{place}'"],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert 0 == ran.returncode, f"{lines}\n{ran.stdout}"
        self._folder = Path(place.read_text().strip())
        return ran.stdout

    def serve(self) -> None:
        """`modelctl up` in a second terminal, which `modelctl down` ends."""
        self.serves = True
        words = "setsid modelctl up --port 0 --status-port 0 >../up.log 2>&1 &"
        self.run(words)

    def look(self) -> str:
        """What `modelctl status` prints once all that git says is there."""
        ran = until(self._status, lambda ran: ran.returncode == 0)
        return str(ran.stdout)

    def _status(self) -> "subprocess.CompletedProcess[str]":
        words = ["modelctl", "status"]
        return subprocess.run(
            words,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Typed]:
    """An empty folder, and a shell whose path has modelctl and scikit-learn."""
    environment = os.environ | _IDENTITY
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    found = Typed(tmp_path, environment)
    yield found
    if found.serves:
        found.run("modelctl down")


@pytest.mark.timeout(600)  # the converter's packages are fetched the first time
def test_every_command(typed: Typed, tmp_path: Path) -> None:
    """Each succeeds, and at the end the second release serves alone."""
    said = ""
    for language, block in _BLOCK.findall(_TEXT):
        if language == "python":
            (tmp_path / "train.py").write_text(block)
        elif block == _SERVE:
            typed.serve()
        elif block == _LOOK:
            said = typed.look()
        else:
            said = typed.run(block)

    assert "r2" in said
    assert "{r2: 100}" in typed.run("cat apps/tumour/envs/local.yaml")
