"""Questions about files to a real git: their blobs, and what differs between two states."""

from pathlib import Path

import pytest

from modelctl.repo import git, git_objects
from scratch import commit, init
from scratch import git as real_git

X = "apps/a/x.yaml"
Y = "apps/a/y.yaml"
ODD = "apps/a/\xe9 tab\tline\n:100 .yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one file below apps/ and one beside it, in one commit."""
    write(tmp_path, X, "one\n")
    write(tmp_path, "README.md", "one\n")
    init(tmp_path)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    """Write one file."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def blob(root: Path, path: str) -> str:
    """What git itself calls the bytes of a file in HEAD."""
    return real_git(root, "rev-parse", f"HEAD:{path}").strip()


def test_blobs_are_those_of_the_commit(root: Path) -> None:
    """Every file at or below the paths has its blob, whatever the work tree says."""
    write(root, ODD, "odd\n")
    write(root, "apps/ab/x.yaml", "other\n")
    commit(root)
    write(root, X, "dirty\n")

    assert {X: blob(root, X), ODD: blob(root, ODD)} == git_objects.blobs(root, "HEAD", "apps/a")
    assert {X: blob(root, X)} == git_objects.blobs(root, "HEAD", X, "apps/none")
    assert {X, "README.md"} == git_objects.blobs(root, "HEAD~1").keys()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("content", [b"", b"a\n", b"\0\xff\r\n", b"x" * 100_000])
def test_a_blobs_name_is_what_git_calls_it(tmp_path: Path, algorithm: str, content: bytes) -> None:
    """The name of any bytes is what `git hash-object` says, by the repository's own algorithm."""
    real_git(tmp_path, "init", "--quiet", f"--object-format={algorithm}")
    (tmp_path / "file").write_bytes(content)
    expected = real_git(tmp_path, "hash-object", "--no-filters", "file").strip()

    assert expected == git_objects.blob_name(tmp_path)(content)


def test_differing_paths(root: Path) -> None:
    """What was added, changed and removed between two commits, at or below the paths."""
    write(root, ODD, "odd\n")
    write(root, "README.md", "two\n")
    (root / X).unlink()
    commit(root)

    assert {"README.md", X, ODD} == {*git_objects.differing_paths(root, "HEAD~1", "HEAD")}
    assert {X, ODD} == {*git_objects.differing_paths(root, "HEAD", "HEAD~1", "apps")}
    assert () == git_objects.differing_paths(root, "HEAD", "HEAD")


def test_differing_paths_of_a_merge(root: Path) -> None:
    """From its first parent a merge differs in what it brought."""
    real_git(root, "switch", "--quiet", "--create", "side")
    write(root, X, "side\n")
    write(root, Y, "side\n")
    commit(root)
    real_git(root, "switch", "--quiet", "main")
    write(root, "README.md", "main\n")
    commit(root)
    real_git(root, "merge", "--quiet", "--no-ff", "--no-edit", "side")
    merged = git.resolve(root, "HEAD")

    assert (X, Y) == git_objects.differing_paths(root, git.first_parent(root, merged), merged)


def test_changed_paths_are_those_of_the_work_tree(root: Path) -> None:
    """Dirty, staged, removed and new files count; ignored ones and those elsewhere do not."""
    for path in ("apps/a/removed", "apps/a/staged", "apps/a/dirty"):
        write(root, path, "old\n")
    write(root, ".gitignore", "*.swp\n")
    commit(root)
    (root / "apps/a/removed").unlink()
    write(root, "apps/a/staged", "new\n")
    real_git(root, "add", "apps/a/staged")
    for path in ("apps/a/dirty", ODD, "apps/a/x.swp", "README.md"):
        write(root, path, "new\n")
    changed = git_objects.changed_paths(root, "HEAD", "apps", "argocd")

    assert ["apps/a/dirty", "apps/a/removed", "apps/a/staged", ODD] == sorted(changed)


def test_changed_paths_since_an_older_commit(root: Path) -> None:
    """What was committed since counts as well; what was undone again does not."""
    write(root, Y, "two\n")
    commit(root)
    write(root, X, "two\n")
    commit(root)
    write(root, X, "one\n")

    assert (Y,) == git_objects.changed_paths(root, "HEAD~2", "apps")


def test_a_clean_work_tree_has_no_changed_paths(root: Path) -> None:
    """A file that was only touched, or written anew with the same bytes, is no change."""
    write(root, X, "one\n")

    assert () == git_objects.changed_paths(root, "HEAD")


def test_what_is_checked_out_nowhere_is_not_changed(root: Path) -> None:
    """A file that a sparse checkout leaves out is neither removed nor changed."""
    write(root, "apps/b/x.yaml", "b\n")
    commit(root)
    real_git(root, "sparse-checkout", "set", "apps/a")

    assert not (root / "apps/b").exists()
    assert () == git_objects.changed_paths(root, "HEAD")
