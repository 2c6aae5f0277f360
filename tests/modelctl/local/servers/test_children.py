"""Child processes: tied to their starter, logged within bounds."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelctl.local.servers.children import Launcher, ending, last_words
from modelctl.local.servers.leftovers import started
from modelctl.local.state import StateFolder, read_json
from waiting import until

# Starts a program that would run for long, tells its process id, and waits.
PARENT = """
import asyncio, sys
from pathlib import Path
from modelctl.local.servers.children import Launcher
from modelctl.local.state import StateFolder
folder = StateFolder(Path(sys.argv[1]))
folder.create()
async def main():
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    child = await Launcher(folder, print).start("child", command, {})
    print(child.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    """A state folder that exists."""
    found = StateFolder(tmp_path / "state")
    found.create()
    return found


def run(folder: StateFolder, code: str) -> tuple[int, str]:
    """Run a Python program as a child: its exit code and last words."""

    async def whole() -> tuple[int, str]:
        launcher = Launcher(folder, print)
        child = await launcher.start("child", (sys.executable, "-c", code), dict(os.environ))
        exit_code = await child.wait()
        launcher.forget(child)
        return exit_code, child.last_words()

    return asyncio.run(whole())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
def test_child_dies_with_its_starter(folder: StateFolder) -> None:
    """When the starter is killed, the kernel ends the child."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder.root)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert started(child) is not None
        parent.kill()

    until(lambda: started(child), lambda found: found is None)


def test_records(folder: StateFolder) -> None:
    """A child is recorded while it runs, and no longer."""
    code = "import sys; sys.stdin.read(); sys.exit(3)"

    assert (3, "") == run(folder, code)
    assert [] == read_json(folder.processes)


def test_session_of_its_own(folder: StateFolder) -> None:
    """A child leads a session, so that Ctrl-C in a terminal reaches its starter alone."""
    code = "import os, sys; sys.exit(0 if os.getsid(0) == os.getpid() else 1)"

    assert 0 == run(folder, code)[0]


def test_last_words_are_of_this_run(folder: StateFolder) -> None:
    """The last words are from the program's own run, and the log keeps both runs."""
    run(folder, "print('first')")

    assert (0, "") == run(folder, "pass")
    assert "second" == run(folder, "print('second'); print()")[1]
    assert "first\nsecond\n\n" == (folder.logs / "child.log").read_text()


def test_long_log_is_moved_aside(folder: StateFolder) -> None:
    """A log past its bound is moved aside before the next run, and one copy is kept."""
    log = folder.logs / "child.log"
    log.write_bytes(b"x" * 6_000_000)

    run(folder, "print('new')")

    assert "new\n" == log.read_text()
    assert 6_000_000 == (folder.logs / "child.log.1").stat().st_size


def test_long_line_is_cut(folder: StateFolder) -> None:
    """Last words are short enough for a status."""
    assert 400 == len(run(folder, "print('x' * 100_000)")[1])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ""),
        (["a", "b"], "b"),
        (['{"level": "info", "event": "stopped"}'], '{"level": "info", "event": "stopped"}'),
        (
            [
                json.dumps({"level": "error", "error": "DigestWrong", "detail": "found a"}),
                '{"level": "info", "event": "stopped"}',
            ],
            "DigestWrong: found a",
        ),
        ([json.dumps({"level": "error", "event": "killed"}), "1"], "killed"),
        (["[1]", "null"], "null"),
    ],
)
def test_last_words(lines: list[str], expected: str) -> None:
    """The last error of a structured log counts, else the last line."""
    assert expected == last_words(lines)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, "exit code 0"),
        (86, "exit code 86"),
        (-9, "killed by SIGKILL"),
        (-99, "killed by signal 99"),
    ],
)
def test_ending(code: int, expected: str) -> None:
    """An exit code becomes words."""
    assert expected == ending(code)
