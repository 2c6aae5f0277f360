"""An artifact is read once: what is remembered of it counts for the same bytes only."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.model import contained
from modelctl.model.graph import ArtifactFacts, artifact_facts
from modelctl.repo import remembered
from modelctl.repo import tree as trees
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.tree import Tree, WorkTree
from modelctl.store import folder
from scratch import PROJECT, commit, git, init

SAMPLES = PROJECT / "examples" / "artifacts" / "linear"
PATH = "artifacts/a.onnx"
_LATER_NS = 10_000_000_000

Open = Callable[[Path], Tree]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one artifact."""
    (tmp_path / "artifacts").mkdir()
    shutil.copyfile(SAMPLES / "r1.onnx", tmp_path / PATH)
    init(tmp_path)
    return tmp_path


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file have been changed a while ago."""
    now_ns = time.time_ns
    monkeypatch.setattr(trees.time, "time_ns", lambda: now_ns() + _LATER_NS)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the artifacts that were read."""
    paths: list[str] = []

    def reading(path: str, content: bytes) -> ArtifactFacts:
        paths.append(path)
        return artifact_facts(path, content)

    monkeypatch.setattr(remembered, "artifact_facts", reading)
    return paths


def _facts(tree: Tree, path: str = PATH) -> ArtifactFacts:
    entry = tree.entry(path)
    assert entry is not None
    return remembered.facts(tree, path, entry)


def _end(*_: object) -> str:
    raise contained.ContainedError("SIGKILL")


def _records(root: Path) -> list[Path]:
    return sorted((root / ".git/modelctl/artifacts").glob("*"))


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("open_tree", [WorkTree, lambda root: CommitTree(root, "HEAD")])
def test_an_artifact_is_read_once(root: Path, open_tree: Open, read: list[str]) -> None:
    """The second look gives the same facts, and reads nothing."""
    first, second = _facts(open_tree(root)), _facts(open_tree(root))

    assert artifact_facts(PATH, (SAMPLES / "r1.onnx").read_bytes()) == first == second
    assert [PATH] == read


@pytest.mark.usefixtures("later")
def test_a_fault_is_remembered_too(root: Path, read: list[str]) -> None:
    """That a file is no model is a fact like any other."""
    (root / PATH).write_bytes(b"no model")
    first, second = _facts(WorkTree(root)), _facts(WorkTree(root))

    assert first == second
    assert first.problem
    assert [PATH] == read


@pytest.mark.usefixtures("later")
def test_an_ended_reader_is_asked_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ended the process that read a file may have been the machine, not the file."""
    with monkeypatch.context() as patched:
        patched.setattr(contained, "call", _end)
        first = _facts(WorkTree(root))

    assert "ends the process that reads it (SIGKILL)" in first.problem
    assert "" == _facts(WorkTree(root)).problem


@pytest.mark.usefixtures("later")
def test_the_same_blob_is_known_at_another_path(root: Path, read: list[str]) -> None:
    """What is remembered is of the bytes; the path is the one that was asked about."""
    shutil.copyfile(root / PATH, root / "artifacts/b.onnx")
    commit(root)
    first = _facts(CommitTree(root, "HEAD"))
    second = _facts(CommitTree(root, "HEAD"), "artifacts/b.onnx")

    assert (PATH, "artifacts/b.onnx") == (first.path, second.path)
    assert first.sha256 == second.sha256
    assert [PATH] == read


@pytest.mark.usefixtures("later")
def test_a_linked_work_tree_knows_what_the_first_one_read(root: Path, read: list[str]) -> None:
    """All work trees of a repository remember in one place."""
    git(root, "worktree", "add", "--quiet", "linked")
    _facts(CommitTree(root, "HEAD"))
    _facts(CommitTree(root / "linked", "HEAD"))

    assert [PATH] == read


@pytest.mark.usefixtures("later")
def test_other_bytes_are_read_whatever_the_clock_says(root: Path) -> None:
    """Bytes of the same size, with the time of change set back, are not taken for the old ones."""
    _facts(WorkTree(root))
    times, size = (root / PATH).stat(), (root / PATH).stat().st_size
    (root / PATH).write_bytes(b"x" * size)
    os.utime(root / PATH, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert artifact_facts(PATH, b"x" * size) == _facts(WorkTree(root))


def test_a_file_that_was_changed_just_now_is_not_trusted(root: Path, read: list[str]) -> None:
    """It may be changed again before the file system's clock ticks; a blob may not."""
    (root / PATH).touch()
    for open_tree in (WorkTree, lambda root: CommitTree(root, "HEAD")):
        _facts(open_tree(root))
        _facts(open_tree(root))

    assert [PATH] * 3 == read


@pytest.mark.usefixtures("later")
def test_other_readers_read_again(
    root: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another version of our code, or of onnx, has found counts for nothing."""
    _facts(WorkTree(root))
    monkeypatch.setattr(remembered, "_readers", lambda: "others")
    _facts(WorkTree(root))

    assert [PATH] * 2 == read


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda record: record[:-1],
        lambda record: record + b" ",
        lambda record: record.replace(b'"problem": ""', b'"problem": "x"'),
        lambda record: b"\0" * len(record),
        lambda record: record.partition(b"\n")[2],
    ],
)
def test_a_damaged_record_is_none(
    root: Path, read: list[str], damage: Callable[[bytes], bytes]
) -> None:
    """A record that is not as it was written is passed over, and written anew."""
    first = _facts(WorkTree(root))
    (record,) = _records(root)
    record.write_bytes(damage(record.read_bytes()))

    assert [first] * 2 == [_facts(WorkTree(root)) for _ in range(2)]
    assert [PATH] * 2 == read


@pytest.mark.usefixtures("later")
def test_a_folder_that_cannot_be_written_is_no_fault(root: Path, read: list[str]) -> None:
    """Where git's folder takes no record, each look reads the file."""
    (root / ".git/modelctl").write_text("in the way\n")
    _facts(WorkTree(root))
    _facts(WorkTree(root))

    assert [PATH] * 2 == read


def test_without_git_nothing_is_remembered(tmp_path: Path, read: list[str]) -> None:
    """Files that no repository holds are read each time, and nothing is written beside them."""
    shutil.copyfile(SAMPLES / "r1.onnx", tmp_path / "a.onnx")
    _facts(WorkTree(tmp_path), "a.onnx")
    _facts(WorkTree(tmp_path), "a.onnx")

    assert ["a.onnx"] * 2 == read
    assert ["a.onnx"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.usefixtures("later")
def test_records_do_not_grow_without_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a bound all are dropped, because most are of files that have changed since."""
    _facts(WorkTree(root))
    monkeypatch.setattr(remembered, "_MAX_RECORDS", 1)
    remembered._make_room.cache_clear()
    (root / PATH).write_bytes(b"no model")
    _facts(WorkTree(root))

    assert 1 == len(_records(root))


@pytest.mark.usefixtures("later")
def test_a_file_of_the_store_is_read_once(root: Path, read: list[str]) -> None:
    """What a `store:` URI names is read from the laptop's store, and remembered."""
    content = (root / PATH).read_bytes()
    uri = f"store:///{folder.put(root, content)}.onnx"

    first, again = (remembered.stored_facts(root / ".git", uri) for _ in range(2))

    assert artifact_facts(uri, content) == first == again
    assert [uri] == read


@pytest.mark.parametrize("damage", [b"", b"other bytes"])
def test_a_damaged_file_of_the_store_counts_as_none(root: Path, damage: bytes) -> None:
    """The store is not what is checked: of other bytes than were asked for nothing is said."""
    sha256 = folder.put(root, (root / PATH).read_bytes())
    stored = folder.of(root) / sha256
    stored.unlink()
    stored.write_bytes(damage)

    assert remembered.stored_facts(root / ".git", f"store:///{sha256}.onnx") is None
    assert remembered.stored_facts(root / ".git", f"store:///{'0' * 64}.onnx") is None
