"""Questions to a real git: exact answers, and its own words where it fails."""

from pathlib import Path

import pytest

from modelctl.errors import GitError
from modelctl.repo import git, git_objects
from scratch import commit, init
from scratch import git as real_git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one file in one commit."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.txt").write_text("one\n")
    init(root)
    return root


def test_top_level(root: Path) -> None:
    """The root of the work tree is found from any folder in it."""
    (root / "deep" / "down").mkdir(parents=True)

    assert root.resolve() == git.top_level(root / "deep" / "down")


def test_resolve(root: Path) -> None:
    """Branch, tag and short hash all give the same full hash."""
    real_git(root, "tag", "--annotate", "v1", "--message", "one")
    full = real_git(root, "rev-parse", "HEAD").strip()

    assert {full} == {git.resolve(root, name) for name in ("main", "HEAD", "v1", full[:8])}


@pytest.mark.parametrize("revision", ["none", "--all", "-h", "HEAD:a.txt", "main..main"])
def test_resolve_refuses_what_is_no_commit(root: Path, revision: str) -> None:
    """Options and names of other things are no revisions."""
    with pytest.raises(GitError):
        git.resolve(root, revision)


def test_describe(root: Path) -> None:
    """A commit has its hash, author, time and subject, whatever is in them."""
    real_git(root, "commit", "--quiet", "--allow-empty", "--message", "apps/a: Say “€ ü | ;”\n\nB")
    found = git.describe(root, "HEAD")

    assert real_git(root, "rev-parse", "HEAD").strip() == found.id
    assert "Test" == found.author
    assert "apps/a: Say “€ ü | ;”" == found.subject
    assert "T" in found.time


def test_log_follows_paths(root: Path) -> None:
    """The log of a path has the commits that touched it, newest first, up to the limit."""
    for number in range(3):
        (root / "b.txt").write_text(f"{number}\n")
        commit(root, f"root: Change b to {number}")
    subjects = [found.subject for found in git.log(root, "HEAD", "b.txt", limit=2)]

    assert ["root: Change b to 2", "root: Change b to 1"] == subjects


def test_read_blobs(root: Path) -> None:
    """Blobs come back whole, whatever bytes they have."""
    contents = [b"", b"\n", b"a\n\0b\n\n", b"x" * 70_000]
    hashes = []
    for content in contents:
        (root / "blob").write_bytes(content)
        hashes.append(real_git(root, "hash-object", "-w", "blob").strip())

    assert dict(zip(hashes, contents, strict=True)) == git_objects.read_blobs(root, hashes)
    assert {} == git_objects.read_blobs(root, [])


def test_a_missing_blob_is_told(root: Path) -> None:
    """A repository that lacks an object, as a partial clone does, is an error that says so."""
    with pytest.raises(GitError, match="lacks the object 1234"):
        git_objects.read_blobs(root, ["1234" * 10])


def test_a_hook_does_not_redirect(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside a git hook, whose variables name its repository, others can still be asked."""
    other = tmp_path / "other"
    other.mkdir()
    init(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))

    assert root.resolve() == git.top_level(root)
    assert "a.txt" == git.text(root, "ls-files")


def test_git_speaks_for_itself(tmp_path: Path) -> None:
    """A failure carries the command, the folder and git's own words."""
    with pytest.raises(GitError, match=f"rev-parse.*{tmp_path}.*not a git repository"):
        git.top_level(tmp_path)


def test_git_may_be_missing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git the error says how to get it."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(GitError, match="install it"):
        git.top_level(root)


def test_a_hanging_git_is_stopped(root: Path) -> None:
    """A command that takes too long ends with an error."""
    with pytest.raises(GitError, match=r"longer than 0\.01 s"):
        git.run(root, "-c", "alias.wait=!sleep 5", "wait", timeout_s=0.01)
