"""What a shell is told at each key, and that bash completes with it."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from modelctl.__main__ import COMMANDS
from modelctl.cli.candidates import candidates
from waiting import until

Modelctl = Callable[..., str]
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


COMPLETED: Mapping[tuple[str, ...], list[str]] = {
    ("sh",): ["shift"],
    ("shift", "li"): ["linear"],
    ("shift", "linear", "--env", "st"): ["staging"],
    ("shift", "linear", "--env=st"): ["--env=staging"],
    ("shift", "linear", "--env", "local", ""): ["r1=", "r2="],
    ("shift", "--env", "local", "linear", "r2"): ["r2="],
    ("promote", "linear", "--release", ""): ["r1", "r2"],
    ("get", "linear/"): ["linear/r1", "linear/r2"],
    ("get", "te"): ["teams"],
    ("explain", "weights-s"): ["weights-sum-100"],
    ("check", "--format", "sa"): ["sarif"],
    ("promote", "linear", "--rel"): ["--release"],
    ("list", "--owner", "vis"): ["vision"],
    ("new", ""): [],  # a name that is not there yet
    ("check", ""): [],  # files
    ("history", "linear", ""): [],  # no further argument
    ("nothing", ""): [],
    ("shift", "none", "--env", "local", ""): [],
}


@pytest.mark.usefixtures("served")
def test_words() -> None:
    """Commands, options, models, environments, releases, teams and rules, each in its place."""
    found = {typed: candidates(typed, COMMANDS) for typed in COMPLETED}

    assert COMPLETED == found


def test_every_command_has_options() -> None:
    """No command's parser is out of reach."""
    without = [name for name in COMMANDS if "--help" not in candidates([name, "--"], COMMANDS)]

    assert [] == without


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are completed anywhere; names of a repository only in one."""
    monkeypatch.chdir(tmp_path)

    assert ["retire"] == candidates(["reti"], COMMANDS)
    assert [] == candidates(["retire", ""], COMMANDS)


@pytest.fixture
def bash(served: Path) -> Iterator[Callable[[str, str], str]]:
    """A bash at a terminal, as a person has it; what stands on its line after some keys."""
    leader, follower = pty.openpty()
    environment = os.environ | {"PATH": PATH, "PS1": "$ ", "TERM": "dumb"}
    words = ["bash", "--norc", "--noprofile", "-i"]
    with subprocess.Popen(
        words, cwd=served, stdin=follower, stdout=follower, stderr=follower,
        env=environment, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(follower)
        os.set_blocking(leader, False)
        shown = bytearray()

        def look() -> str:
            with suppress(OSError):  # nothing there yet
                shown.extend(os.read(leader, 65536))
            return shown.decode(errors="replace").rpartition("$ ")[2]

        def press(keys: str, expected: str) -> str:
            os.write(leader, keys.encode())
            line = until(look, lambda line: expected in line)
            os.write(leader, b"\x15\n")  # empty the line for the next one
            return line

        os.write(leader, b'eval "$(modelctl completion bash)"; echo re""ady\n')
        until(look, lambda _: b"ready" in shown)
        yield press
        process.kill()
    os.close(leader)


def test_bash(bash: Callable[[str, str], str]) -> None:
    """Tab completes a command, a model, an environment after `=`, and a release without a space."""
    assert bash("modelctl ret\t", "retire ")
    assert bash("modelctl shift lin\t", "linear ")
    assert bash("modelctl shift linear --env=stag\t", "--env=staging ")
    assert bash("modelctl shift linear --env local r2\t10", "r2=10")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_scripts_are_read(shell: str, modelctl: Modelctl, tmp_path: Path) -> None:
    """The other shells find nothing wrong with the syntax of their script."""
    script = tmp_path / "script"
    script.write_text(modelctl("completion", shell))
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    subprocess.run([shell, "-n", script], check=True)
