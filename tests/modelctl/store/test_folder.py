"""The laptop's store: whole files by their digest, beside git and shared by its work trees."""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelctl.errors import StoreError
from modelctl.store import folder

CONTENT = b"model" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit."""
    root = tmp_path / "repository"
    _git(tmp_path, "init", "--quiet", str(root))
    _git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty")
    return root


def test_what_is_put_is_found_by_its_digest(root: Path) -> None:
    """Bytes come back under their SHA-256, and nothing comes back under another."""
    assert SHA256 == folder.put(root, CONTENT)

    stored = folder.path(root, SHA256)
    assert stored is not None
    assert CONTENT == stored.read_bytes()
    assert folder.path(root, "0" * 64) is None
    assert folder.path(root, f"../store/{SHA256}") is None


def test_work_trees_share_the_store_and_git_ignores_it(root: Path, tmp_path: Path) -> None:
    """A linked work tree stores in the main one, and git status shows nothing."""
    linked = tmp_path / "linked"
    _git(root, "worktree", "add", "--quiet", str(linked))

    folder.put(linked, CONTENT)

    assert root.resolve() / ".modelctl/store" / SHA256 == folder.path(root, SHA256)
    assert "" == _git(root, "status", "--porcelain")


def test_a_folder_that_is_no_repository_has_a_store_of_its_own(tmp_path: Path) -> None:
    """Where git knows nothing, the folder itself holds the store."""
    folder.put(tmp_path, CONTENT)

    assert tmp_path / ".modelctl/store" / SHA256 == folder.path(tmp_path, SHA256)


def test_the_same_bytes_are_written_once(root: Path) -> None:
    """Putting what is there changes nothing, and leaves no other file."""
    folder.put(root, CONTENT)
    before = _stored(root)

    folder.put(root, CONTENT)

    assert before == _stored(root)


def test_wrong_bytes_under_a_digest_are_replaced(root: Path) -> None:
    """A file that a crash or a hand left with other bytes becomes what its name says."""
    folder.put(root, CONTENT)
    stored = folder.of(root) / SHA256
    stored.unlink()
    stored.write_bytes(CONTENT[:-1] + b"x")

    folder.put(root, CONTENT)

    assert CONTENT == stored.read_bytes()


def test_half_a_file_is_never_there(root: Path) -> None:
    """A source that fails in the middle leaves nothing behind."""

    def half() -> Iterator[bytes]:
        yield CONTENT[:100]
        raise StoreError("the connection was lost")

    with pytest.raises(StoreError, match="the connection was lost"):
        folder.add(root, half())

    assert [] == list(folder.of(root).iterdir())


def test_a_store_that_cannot_be_made_is_told(root: Path) -> None:
    """A file where the folder should be is named, with what to do."""
    (root / ".modelctl").write_text("in the way")

    with pytest.raises(StoreError, match=r"\.modelctl/store cannot be written: "):
        folder.put(root, CONTENT)


def _stored(root: Path) -> list[tuple[str, int, int]]:
    found = [(path.name, path.stat()) for path in folder.of(root).iterdir()]
    return [(name, stat.st_ino, stat.st_mtime_ns) for name, stat in found]


def _git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True)
    return done.stdout.decode()
