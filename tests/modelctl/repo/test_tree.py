"""Files of a work tree and of a commit: the same, and never more than what is there."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.errors import GitError, TreeError
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.tree import EntryKind, Tree, WorkTree
from scratch import commit, git, init

Open = Callable[[Path], Tree]
FILES = {
    "apps/a/model.yaml": b"name: a\n",
    "apps/a/\xe9 tab\t.yaml": b"\xff\x00",
    "apps/ab/envs/prod.yaml": b"stable: r1\n",
    "argocd/environments.yaml": b"environments: []\n",
    "examples/artifacts/a.onnx": b"onnx",
    "README.md": b"not a part of the tree\n",
}


def _commit_tree(root: Path) -> Tree:
    commit(root)
    return CommitTree(root, "HEAD")


def _listed(open_tree: Open) -> Open:
    def listed(root: Path) -> Tree:
        tree = open_tree(root)
        _ = tree.entries
        return tree

    return listed


BOTH = pytest.mark.parametrize("open_tree", [WorkTree, _commit_tree])
# A tree may answer from what it has listed already, or look for itself: the answer is the same.
LISTED_OR_NOT = pytest.mark.parametrize(
    "open_tree",
    [WorkTree, _commit_tree, _listed(WorkTree), _listed(_commit_tree)],
    ids=["work tree", "commit", "listed work tree", "listed commit"],
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a file of each sort."""
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    init(tmp_path)
    return tmp_path


@BOTH
def test_entries_are_the_two_folders(root: Path, open_tree: Open) -> None:
    """Every file below apps/ and argocd/ is listed with its size, and no other."""
    tree = open_tree(root)
    below = {path for path in FILES if path.startswith(("apps/", "argocd/"))}

    assert sorted(below) == list(tree.entries)
    assert {EntryKind.FILE} == {entry.kind for entry in tree.entries.values()}
    assert 8 == tree.entries["apps/a/model.yaml"].size_bytes


@LISTED_OR_NOT
@pytest.mark.parametrize(
    "folder",
    [
        *("apps", "argocd", "apps/a", "apps/ab", "apps/ab/envs", "apps/a/model.yaml", "apps/b"),
        *("apps/a/model.yaml/x", "examples", "examples/artifacts", "README.md", "none"),
    ],
)
def test_below_a_folder(root: Path, open_tree: Open, folder: str) -> None:
    """Of any folder every path below it is given, sorted; of a file the file; else nothing."""
    tree = open_tree(root)
    expected = [path for path in FILES if path == folder or path.startswith(f"{folder}/")]
    below = tree.below(folder)

    assert sorted(expected) == list(below)
    assert {path: tree.entry(path) for path in expected} == below


@LISTED_OR_NOT
@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("apps", ("a", "ab")),
        ("apps/a", ("model.yaml", "\xe9 tab\t.yaml")),
        ("apps/ab", ("envs",)),
        ("argocd", ("environments.yaml",)),
        ("examples", ("artifacts",)),
        ("apps/a/model.yaml", ()),
        ("apps/none", ()),
        ("none", ()),
    ],
)
def test_names_in_a_folder(
    root: Path, open_tree: Open, folder: str, names: tuple[str, ...]
) -> None:
    """The files and folders directly in a folder are named, each once and sorted."""
    assert names == open_tree(root).names(folder)


@LISTED_OR_NOT
def test_nothing_is_named_behind_a_link(root: Path, open_tree: Open) -> None:
    """A link is named in its folder, and has no names and no paths below it."""
    (root / "apps/b").symlink_to("a")
    (root / "apps/c").symlink_to("none")
    tree = open_tree(root)

    assert ("a", "ab", "b", "c") == tree.names("apps")
    assert () == tree.names("apps/b")
    assert ["apps/b"] == list(tree.below("apps/b"))
    assert {} == tree.below("apps/b/model.yaml")


@BOTH
def test_an_identity_tells_files_apart(root: Path, open_tree: Open) -> None:
    """The same file has the same identity; other bytes have another, even of one size and time."""
    path = root / "apps/a/model.yaml"
    before = open_tree(root).entry("apps/a/model.yaml")
    again = open_tree(root).entry("apps/a/model.yaml")
    times = path.stat()
    path.write_bytes(b"name: b\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = open_tree(root).entry("apps/a/model.yaml")

    assert before is not None
    assert after is not None
    assert before == again
    assert before.size_bytes == after.size_bytes
    assert before.identity
    assert before.identity != after.identity


@LISTED_OR_NOT
@pytest.mark.parametrize("path", FILES)
def test_any_file_is_read(root: Path, open_tree: Open, path: str) -> None:
    """A file anywhere in the tree gives its bytes and its size."""
    tree = open_tree(root)
    entry = tree.entry(path)

    assert entry is not None
    assert len(FILES[path]) == entry.size_bytes
    assert FILES[path] == tree.read(path)


@LISTED_OR_NOT
@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "/", "/etc/passwd", "../etc/passwd", "./README.md", "apps/../README.md"),
        *("apps/../../etc/passwd", "examples/../../etc/passwd", "apps/a/..", "apps/a/."),
        *("apps", "apps/", "apps/a", "apps//a/model.yaml", "apps/none", "none/none"),
        *("apps/a/model.yaml/", "apps/a/model.yaml/x", ":!README.md", ":(top)README.md"),
    ],
)
def test_what_is_no_file_of_the_tree(root: Path, open_tree: Open, path: str) -> None:
    """Folders, absent files and ways out of the tree have no entry and cannot be read."""
    tree = open_tree(root)

    assert tree.entry(path) is None
    with pytest.raises(TreeError, match="not a regular file"):
        tree.read(path)


@LISTED_OR_NOT
def test_links_are_not_followed(root: Path, open_tree: Open, tmp_path: Path) -> None:
    """A link is listed as one and never read, wherever it leads."""
    (root / "apps/a/out.yaml").symlink_to("/etc/passwd")
    (root / "apps/a/loop.yaml").symlink_to("loop.yaml")
    (root / "apps/b").symlink_to(tmp_path / "argocd")
    tree = open_tree(root)
    links = {path for path, entry in tree.entries.items() if entry.kind is EntryKind.SYMLINK}

    assert {"apps/a/out.yaml", "apps/a/loop.yaml", "apps/b"} == links
    assert tree.entry("apps/b/environments.yaml") is None
    for path in (*links, "apps/b/environments.yaml"):
        with pytest.raises(TreeError):
            tree.read(path)


@LISTED_OR_NOT
def test_a_linked_folder_is_a_link(root: Path, open_tree: Open, tmp_path: Path) -> None:
    """Where apps/ itself is a link, nothing behind it is part of the tree."""
    other = tmp_path / "examples" / "apps"
    (root / "apps").rename(other)
    (root / "apps").symlink_to(other)
    tree = open_tree(root)

    assert EntryKind.SYMLINK is tree.entries["apps"].kind
    assert not any(path.startswith("apps/") for path in tree.entries)
    assert ["apps"] == list(tree.below("apps"))
    assert () == tree.names("apps")


def test_a_linked_root_is_as_good_as_the_root(root: Path, tmp_path: Path) -> None:
    """The repository itself may be reached through a link."""
    link = tmp_path / "link"
    link.symlink_to(root, target_is_directory=True)
    tree = WorkTree(link)

    assert b"name: a\n" == tree.read("apps/a/model.yaml")


def test_special_files_are_not_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipes and sockets are listed as what they are, and reading one does not wait."""
    os.mkfifo(root / "apps/a/pipe.yaml")
    monkeypatch.chdir(root)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("apps/a/socket.yaml")
    tree = WorkTree(root)

    assert EntryKind.OTHER is tree.entries["apps/a/pipe.yaml"].kind
    assert EntryKind.OTHER is tree.entries["apps/a/socket.yaml"].kind
    with pytest.raises(TreeError, match="not a regular file"):
        tree.read("apps/a/pipe.yaml")


def test_a_folder_in_place_of_a_file(root: Path) -> None:
    """A folder named like a file is a folder: what is in it is listed below it."""
    (root / "apps/b/model.yaml").mkdir(parents=True)
    (root / "apps/b/model.yaml/x").write_text("x")
    tree = WorkTree(root)

    assert "apps/b/model.yaml" not in tree.entries
    assert "apps/b/model.yaml/x" in tree.entries


def test_a_file_that_has_gone(root: Path) -> None:
    """A file that is removed after it was listed is an error of the tree."""
    tree = WorkTree(root)
    (root / "apps/a/model.yaml").unlink()

    with pytest.raises(TreeError):
        tree.read("apps/a/model.yaml")


def test_an_empty_repository_has_no_entries(tmp_path: Path) -> None:
    """Without apps/ and argocd/ there is nothing."""
    assert {} == WorkTree(tmp_path).entries


def test_a_commit_is_not_the_work_tree(root: Path) -> None:
    """What is dirty, staged or removed does not change what a commit holds."""
    (root / "apps/a/model.yaml").write_text("name: dirty\n")
    (root / "apps/a/new.yaml").write_text("x: 1\n")
    git(root, "add", "apps/a/new.yaml")
    (root / "argocd/environments.yaml").unlink()
    tree = CommitTree(root, "main")

    assert b"name: a\n" == tree.read("apps/a/model.yaml")
    assert "apps/a/new.yaml" not in tree.entries
    assert b"environments: []\n" == tree.read("argocd/environments.yaml")


def test_commits_share_what_was_read(root: Path) -> None:
    """With one cache, a second commit reads only what the first did not have."""
    blobs: dict[str, bytes] = {}
    CommitTree(root, "HEAD", blobs=blobs).read("apps/a/model.yaml")
    known = set(blobs)
    (root / "apps/a/model.yaml").write_text("name: b\n")
    git(root, "commit", "--quiet", "--all", "--message", "apps/a: Rename")
    read = CommitTree(root, "HEAD", blobs=blobs).read("apps/a/model.yaml")

    assert b"name: b\n" == read
    assert 1 == len(blobs.keys() - known)


def test_a_submodule_is_no_file(root: Path) -> None:
    """A submodule is listed as a special file and has no bytes."""
    commit = git(root, "rev-parse", "HEAD").strip()
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{commit},apps/sub")
    git(root, "commit", "--quiet", "--message", "apps/sub: Add")
    tree = CommitTree(root, "HEAD")

    assert EntryKind.OTHER is tree.entries["apps/sub"].kind
    with pytest.raises(TreeError):
        tree.read("apps/sub")


def test_no_such_commit(root: Path) -> None:
    """A revision that does not exist is git's error."""
    with pytest.raises(GitError):
        CommitTree(root, "no-such-branch")
