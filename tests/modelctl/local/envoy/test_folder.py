"""Where Envoy's files lie."""

from pathlib import Path

import pytest

from modelctl.errors import UsageError
from modelctl.local.envoy.folder import files_of, make, remove
from modelctl.local.state import StateFolder


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    """A folder in the place of the one in memory."""
    (tmp_path / "shm").mkdir()
    return tmp_path / "shm"


def state(root: Path) -> StateFolder:
    """A state folder."""
    folder = StateFolder(root)
    folder.create()
    return folder


def test_in_memory_and_private(tmp_path: Path, memory: Path) -> None:
    """Each state folder has a folder of its own in memory, the same each time, for its user."""
    one, other = state(tmp_path / "one"), state(tmp_path / "other")
    found = files_of(one, memory)
    make(found)
    make(found)

    assert memory == found.parent
    assert 0o700 == found.stat().st_mode & 0o777
    assert found == files_of(one, memory) != files_of(other, memory)
    remove(found)
    assert not found.exists()


def test_nothing_in_memory(tmp_path: Path) -> None:
    """Where there is no such folder, files lie in the state folder."""
    folder = state(tmp_path / "one")

    assert folder.envoy == files_of(folder, tmp_path / "none")


def test_open_to_others(tmp_path: Path, memory: Path) -> None:
    """A folder that others may enter is refused, and so is a link to somewhere else."""
    found = files_of(state(tmp_path / "one"), memory)
    found.mkdir(mode=0o755)
    with pytest.raises(UsageError, match="expected mode 0700; remove it"):
        make(found, memory=memory)

    found.rmdir()
    found.symlink_to(tmp_path)
    with pytest.raises(UsageError, match="expected a folder of this user's own"):
        make(found, memory=memory)
