"""The state directory and its one owner."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelctl.atomic import write_atomically
from modelctl.errors import UsageError
from modelctl.local.state import Lock, StateFolder, is_held, read_json

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
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert "held\n" == holder.stdout.readline()

        with pytest.raises(UsageError, match=f"process {holder.pid}"), Lock(folder):
            pass

        assert is_held(folder)
        holder.kill()


def test_lock_ends_with_its_holder(folder: StateFolder) -> None:
    """A folder is free again after its owner, and one that was never owned is free."""
    assert not is_held(folder)
    with Lock(folder):
        pass

    assert not is_held(folder)
    with Lock(folder):
        assert str(os.getpid()) == folder.lock.read_text()


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
