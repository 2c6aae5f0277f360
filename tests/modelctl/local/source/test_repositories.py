"""Following a branch, a URL and files."""

import os
import shutil
import traceback
from pathlib import Path

import pytest

from modelctl.errors import GitError, UsageError
from modelctl.local.source.remote import Remote, without_credentials
from modelctl.local.source.repositories import Branch, FilesOnDisk, local_branch
from scratch import git, init


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one file below `apps/` and one commit on `main`."""
    root = tmp_path / "repo"
    (root / "apps/m").mkdir(parents=True)
    (root / "apps/m/model.yaml").write_text("name: m\n")
    init(root)
    return root


def commit(root: Path, subject: str = "apps/m: Change", *words: str) -> str:
    """An empty commit; its hash."""
    git(root, "commit", "--quiet", "--allow-empty", "--message", subject, *words)
    return git(root, "rev-parse", "HEAD").strip()


def branch(root: Path, ref: str | None = None) -> Branch:
    """The source that `modelctl up` would follow."""
    return local_branch(root, ref, every_s=0.1)


def test_new_commit_is_seen(repo: Path) -> None:
    """The revision is the newest commit of the branch that was checked out."""
    source = branch(repo)
    before = source.revision()
    after = commit(repo)

    assert "refs/heads/main" == source.ref
    assert (git(repo, "rev-parse", "HEAD~1").strip(), after) == (before, source.revision())


def test_packed_refs_are_seen(repo: Path) -> None:
    """A commit is seen as well when its ref has been packed in between."""
    source = branch(repo)
    source.revision()
    after = commit(repo)
    git(repo, "pack-refs", "--all")

    assert after == source.revision()


def test_git_is_asked_only_after_a_change(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While no file of refs changes, no process is started to look."""
    source = branch(repo)
    first = source.revision()
    monkeypatch.setenv("PATH", "/nowhere")

    assert first == source.revision()


def test_linked_work_tree(repo: Path, tmp_path: Path) -> None:
    """A commit made in a linked work tree is seen there."""
    git(repo, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    source = branch(tmp_path / "side")
    source.revision()

    assert commit(tmp_path / "side") == source.revision()


def test_checkout_of_another_branch_changes_nothing(repo: Path) -> None:
    """The branch that is followed stays the same whatever is checked out later."""
    source = branch(repo)
    before = source.revision()
    git(repo, "checkout", "--quiet", "-b", "other")
    commit(repo)

    assert before == source.revision()


def test_detached_head_is_followed(repo: Path) -> None:
    """Without a branch, HEAD itself is followed."""
    git(repo, "checkout", "--quiet", "--detach")
    source = branch(repo)
    source.revision()

    assert commit(repo) == source.revision()


@pytest.mark.parametrize("ref", ["main", "refs/heads/main", "HEAD", "v1"])
def test_ref(repo: Path, ref: str) -> None:
    """A branch, its full name, and a tag can be followed."""
    git(repo, "tag", "v1")

    assert git(repo, "rev-parse", "HEAD").strip() == branch(repo, ref).revision()


@pytest.mark.parametrize("ref", ["nowhere", "--all", ""])
def test_no_such_ref(repo: Path, ref: str) -> None:
    """A ref that does not exist is refused at the start, with the options to use."""
    with pytest.raises(UsageError, match=r"found no commit .* expected a branch.*see --repo"):
        branch(repo, ref or "@{-1}")


def test_no_repository(tmp_path: Path) -> None:
    """A folder that is no repository is refused at the start."""
    with pytest.raises(UsageError, match=r"found no git repository in .*; see --repo and --ref"):
        branch(tmp_path)


def test_vanished_branch(repo: Path) -> None:
    """A branch that vanishes is an error with its name, until it is back."""
    source = branch(repo)
    source.revision()
    git(repo, "checkout", "--quiet", "-b", "other")
    git(repo, "branch", "--quiet", "-D", "main")

    with pytest.raises(GitError, match=r"refs/heads/main of .* names no commit now: found no com"):
        source.revision()
    git(repo, "branch", "main")
    assert git(repo, "rev-parse", "main").strip() == source.revision()


def test_vanished_repository(repo: Path) -> None:
    """A repository that vanishes is an error, not a crash."""
    source = branch(repo)
    source.revision()
    shutil.rmtree(repo)

    with pytest.raises(GitError, match="names no commit now"):
        source.revision()


def test_broken_object(repo: Path) -> None:
    """A commit whose objects are damaged is an error when it is read."""
    source = branch(repo)
    blob = git(repo, "rev-parse", "HEAD:apps/m/model.yaml").strip()
    path = repo / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"damaged")

    with pytest.raises(GitError):
        source.tree(source.revision()).read("apps/m/model.yaml")


def test_rewritten_branch(repo: Path) -> None:
    """A branch that was forced elsewhere does not follow from what was there."""
    source = branch(repo)
    first = commit(repo, "one")
    second = commit(repo, "two")
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    other = commit(repo, "three")

    assert source.follows(second, first)
    assert not source.follows(other, second)
    assert not source.follows(other, "0" * 40)


def test_description_is_hostile_text(repo: Path) -> None:
    """Author and subject are taken as they are, whatever characters they have."""
    source = branch(repo)
    made = commit(repo, "\x1f\x1e <script>", "--author", "A\x1fB <a@x>")

    found = source.describe(made)

    assert ("\x1f\x1e <script>", "A\x1fB") == (found.subject, found.author)


def test_history(repo: Path) -> None:
    """The history of a folder has its commits only, newest first, and no more than asked for."""
    source = branch(repo)
    for number in range(3):
        (repo / "apps/m/model.yaml").write_text(f"name: m{number}\n")
        git(repo, "add", "--all")
        commit(repo, f"apps/m: {number}")
    last = commit(repo, "docs: Empty")

    found = source.history(last, "apps/m", 2)

    assert ["apps/m: 2", "apps/m: 1"] == [item.subject for item in found]


def test_blobs_are_not_kept_for_ever(repo: Path) -> None:
    """The cache of blobs holds those of the newest revision."""
    source = branch(repo)
    for number in range(5):
        (repo / "apps/m/model.yaml").write_text(f"name: m{number}\n")
        git(repo, "add", "--all")
        source.tree(commit(repo)).read("apps/m/model.yaml")
    source.tree(source.revision())

    assert [b"name: m4\n"] == list(source._blobs.values())


def remote(repo: Path, tmp_path: Path, ref: str | None = None) -> Remote:
    """The same repository, followed by URL."""
    return Remote(f"file://{repo}", ref, tmp_path / "mirror.git", every_s=3)


def test_url(repo: Path, tmp_path: Path) -> None:
    """A URL is followed on its default branch, through a mirror."""
    source = remote(repo, tmp_path)
    before = source.revision()
    after = commit(repo)

    assert f"refs/heads/main of file://{repo}" == source.name
    assert [before, after] == [git(repo, "rev-parse", "HEAD~1").strip(), source.revision()]
    assert b"name: m\n" == source.tree(after).read("apps/m/model.yaml")


def test_url_with_branch(repo: Path, tmp_path: Path) -> None:
    """Another branch of a URL is followed when it is named, and a forced one too."""
    git(repo, "checkout", "--quiet", "-b", "side")
    first = commit(repo)
    source = remote(repo, tmp_path, "side")
    assert first == source.revision()

    forced = commit(repo, "other", "--amend")
    assert forced == source.revision()


def test_unreachable_url(repo: Path, tmp_path: Path) -> None:
    """A URL that cannot be reached any more is an error, and works again afterwards."""
    source = remote(repo, tmp_path)
    before = source.revision()
    repo.rename(tmp_path / "away")
    with pytest.raises(GitError, match="fetch"):
        source.revision()
    (tmp_path / "away").rename(repo)

    assert before == source.revision()


def test_url_without_the_branch(repo: Path, tmp_path: Path) -> None:
    """A branch that the repository behind a URL lacks is named with the nearest that it has."""
    with pytest.raises(GitError, match=r"refs/heads/mian of file://.* is not there: did you mean"):
        remote(repo, tmp_path, "mian")


def test_url_that_was_reached_before(repo: Path, tmp_path: Path) -> None:
    """Begun anew while the repository is away, what an earlier run fetched is still followed."""
    before = remote(repo, tmp_path, "main").revision()
    repo.rename(tmp_path / "away")
    source = remote(repo, tmp_path, "main")

    assert b"name: m\n" == source.tree(before).read("apps/m/model.yaml")


def test_url_of_no_repository(tmp_path: Path) -> None:
    """A URL that leads to no repository, or to no host, says what to look at."""
    with pytest.raises(GitError, match="found no repository at /nowhere, expected one"):
        Remote("file:///nowhere", None, tmp_path / "m.git", every_s=1)
    with pytest.raises(GitError, match="found no answer from the host"):
        Remote("http://127.0.0.1:1/a.git", None, tmp_path / "n.git", every_s=1)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@git.example.com/a@b.git", "https://git.example.com/a@b.git"),
        ("https://secret@git.example.com/a.git", "https://git.example.com/a.git"),
        ("https://git.example.com/a.git", "https://git.example.com/a.git"),
        ("git@git.example.com:a.git", "git@git.example.com:a.git"),
        ("file:///a/b", "file:///a/b"),
    ],
)
def test_credentials_in_a_url(url: str, shown: str) -> None:
    """What a person sees of a URL has no user and no password."""
    assert shown == without_credentials(url)


def test_credentials_in_an_error(tmp_path: Path) -> None:
    """An error about a URL does not repeat its password, nor does what caused it."""
    with pytest.raises(GitError) as caught:
        Remote("http://user:secret@127.0.0.1:1/a.git", None, tmp_path / "m.git", every_s=1)

    assert "secret" not in "".join(traceback.format_exception(caught.value, limit=0))
    assert "http://127.0.0.1:1/a.git" in str(caught.value)


def test_files(repo: Path) -> None:
    """Files are a new revision after every edit, also one that keeps the size."""
    source = FilesOnDisk(repo)
    before = source.revision()
    same = source.revision()
    path = repo / "apps/m/model.yaml"
    path.write_text("name: n\n")
    os.utime(path, ns=(1, 1))

    assert before == same
    assert source.revision() != before
    assert b"name: n\n" == source.tree(before).read("apps/m/model.yaml")
    assert "files on disk, not committed" == source.describe(before).subject
