"""The state directory and its one owner."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelctl.atomic import write_atomically
from modelctl.errors import UsageError
from modelctl.local.state import Holder, Lock, StateFolder, holder, read_json

HOLD = (
    "import sys; from pathlib import Path; from modelctl.local.state import Lock, StateFolder\n"
    "with Lock(StateFolder(Path(sys.argv[1]))): print('held', flush=True); sys.stdin.read()\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    """A state folder that exists."""
    found = StateFolder(tmp_path / "state")
    found.create()
    return found


def test_folder_is_private_and_ignored(folder: StateFolder) -> None:
    """Nobody else may look into the folder, and git does not see it."""
    assert 0o700 == folder.root.stat().st_mode & 0o777
    assert "*\n" == (folder.root / ".gitignore").read_text()


def test_folder_is_made_twice(folder: StateFolder) -> None:
    """A folder that is there already is taken as it is."""
    (folder.logs / "a.log").write_text("kept")

    folder.create()

    assert "kept" == (folder.logs / "a.log").read_text()


def test_folder_cannot_be_made(tmp_path: Path) -> None:
    """Where the folder cannot be made, the message says how to choose another."""
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="choose another with --state DIR"):
        StateFolder(tmp_path / "file" / "state").create()


def test_second_owner_is_refused(folder: StateFolder) -> None:
    """A second claim names the process that holds the folder."""
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holding:
        assert holding.stdout is not None
        assert "held\n" == holding.stdout.readline()

        with pytest.raises(UsageError, match=f"process {holding.pid}"), Lock(folder):
            pass

        assert Holder(holding.pid) == holder(folder)
        holding.kill()


def test_lock_ends_with_its_holder(folder: StateFolder) -> None:
    """A folder is free again after its owner, and one that was never owned is free."""
    assert holder(folder) is None
    with Lock(folder):
        pass

    assert holder(folder) is None
    with Lock(folder) as lock:
        lock.tell("http://127.0.0.1:1")
        assert Holder(os.getpid(), "http://127.0.0.1:1") == holder(folder)


def test_a_holder_takes_the_place_of_the_one_before(folder: StateFolder) -> None:
    """What an earlier holder said is overwritten in place, so that a full disk does not matter."""
    with Lock(folder) as lock:
        lock.tell("http://127.0.0.1:65535")
    before = folder.lock.stat()
    with Lock(folder) as lock:
        assert Holder(os.getpid()) == holder(folder)
        lock.tell("http://127.0.0.1:2")
        assert Holder(os.getpid(), "http://127.0.0.1:2") == holder(folder)

    assert (before.st_ino, before.st_size) == (
        folder.lock.stat().st_ino,
        folder.lock.stat().st_size,
    )


@pytest.mark.parametrize("content", [b"", b"17", b'{"pid": "x"}', b"[]", b"\xff"])
def test_a_holder_of_another_kind(folder: StateFolder, content: bytes) -> None:
    """A lock that says nothing of its holder is held all the same."""
    with Lock(folder):
        folder.lock.write_bytes(content)

        assert Holder() == holder(folder)


def test_a_folder_that_is_there_is_taken_without_writing(folder: StateFolder) -> None:
    """Nothing is written into a folder that was made before: its disk may be full."""
    before = (folder.root / ".gitignore").stat().st_mtime_ns

    folder.create()

    assert before == (folder.root / ".gitignore").stat().st_mtime_ns


def test_atomic_write(tmp_path: Path) -> None:
    """A file is replaced whole, and nothing else is left beside it."""
    target = tmp_path / "a.json"
    target.write_bytes(b"old")

    write_atomically(target, b"new")

    assert b"new" == target.read_bytes()
    assert [target] == list(tmp_path.iterdir())


def test_failed_write(tmp_path: Path) -> None:
    """A write that fails leaves the old file, and nothing beside it."""
    target = tmp_path / "a.json"
    target.mkdir()

    with pytest.raises(OSError, match=r"a\.json"):
        write_atomically(target, b"new")

    assert [target] == list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_json_that_is_none(tmp_path: Path, content: bytes) -> None:
    """A file that holds no JSON, and one that is not there, are nothing."""
    (tmp_path / "a").write_bytes(content)

    assert read_json(tmp_path / "a") is None
    assert read_json(tmp_path / "b") is None
