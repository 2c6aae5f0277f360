"""What git's failures become: what was found, what was expected, where, and what to do."""

import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from modelctl.errors import GitError
from modelctl.repo import git
from modelctl.repo.git_failures import told
from scratch import git as real_git
from scratch import init


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with two commits and a tag."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.txt").write_text("one\n")
    init(root)
    real_git(root, "commit", "--quiet", "--allow-empty", "--message", "root: Go on")
    real_git(root, "tag", "v1.0")
    return root


def failure(folder: Path, *words: str) -> str:
    """What a git command that must fail is told as."""
    with pytest.raises(GitError) as caught:
        git.run(folder, *words)
    return str(caught.value)


@pytest.mark.parametrize(
    ("revision", "near"),
    [("mian", "did you mean main?"), ("V1.0", "did you mean v1.0?"), ("zzzzzz", "")],
)
def test_no_such_revision(root: Path, revision: str, near: str) -> None:
    """A revision that is not there is named with its repository and the nearest name."""
    with pytest.raises(GitError) as caught:
        git.resolve(root, revision)

    hint = f"{near} " if near else ""
    assert (
        f"found no commit {revision} in {root}, expected a branch, tag or hash: {hint}"
        "`git branch --all` and `git tag` list them "
        "(git rev-parse: fatal: Needed a single revision)"
    ) == str(caught.value)


@pytest.mark.parametrize("revision", ["HEAD", "main"])
def test_no_commit_yet(tmp_path: Path, revision: str) -> None:
    """A repository without commits says so, whatever is asked for."""
    real_git(tmp_path, "init", "--quiet", "--initial-branch=main")
    with pytest.raises(GitError, match=f"found no commit yet in {tmp_path}, expected one: commit"):
        git.resolve(tmp_path, revision)
    with pytest.raises(GitError, match="found no commit yet"):
        list(git.log(tmp_path, "HEAD", "apps"))


def test_a_detached_head_without_branches(root: Path) -> None:
    """A checkout of a commit alone has no names, and is no empty repository."""
    real_git(root, "checkout", "--quiet", "--detach")
    real_git(root, "branch", "--quiet", "-D", "main")
    real_git(root, "tag", "--delete", "v1.0")
    with pytest.raises(GitError, match=r"found no commit main in .* expected a branch"):
        git.resolve(root, "main")


def test_a_shallow_clone(root: Path, tmp_path: Path) -> None:
    """A commit beyond the end of a shallow clone is told as that."""
    clone = tmp_path / "clone"
    real_git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{root}", str(clone))
    with pytest.raises(GitError, match="this clone is shallow: `git fetch --unshallow`"):
        git.resolve(clone, "HEAD~1")


def test_another_owner(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository of another user comes with the setting that trusts it."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    assert f"`git config --global --add safe.directory {root}`" in failure(root, "status")


def test_a_lock(root: Path) -> None:
    """A lock of another git, or of one that crashed, is named with what to do about it."""
    lock = root / ".git" / "index.lock"
    lock.touch()

    assert f"found the lock {lock} of another git, expected none" in failure(root, "add", "a.txt")


def test_a_partial_clone(root: Path, tmp_path: Path) -> None:
    """A file that a partial clone left out cannot be fetched while its remote is away."""
    real_git(root, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    words = ("--quiet", "--bare", "--filter=blob:none", f"file://{root}", str(clone))
    real_git(tmp_path, "clone", *words)
    root.rename(tmp_path / "away")

    assert "found a partial clone" in failure(clone, "cat-file", "blob", "HEAD:a.txt")


def test_a_damaged_object(root: Path) -> None:
    """An object that is damaged is told with the command that finds all of them."""
    blob = real_git(root, "rev-parse", "HEAD:a.txt").strip()
    path = root / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"damaged")

    assert "`git fsck`" in failure(root, "cat-file", "blob", "HEAD:a.txt")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-C", "/nowhere", "status"), "found no folder /nowhere (No such file or directory)"),
        (("ls-remote", "http://127.0.0.1:1/x"), "found no answer from the host"),
        (("ls-remote", "http://host.invalid/x"), "found no address of the host host.invalid"),
        (("ls-remote", "file:///nowhere"), "found no repository at /nowhere"),
        (("ls-remote", "foo://x"), "found a URL that git cannot follow"),
        (("cat-file", "blob", "1" * 40), "found an object that is missing"),
        (("log", "HEAD..nosuch", "--"), "found no such revision"),
    ],
)
def test_a_failure(root: Path, words: tuple[str, ...], expected: str) -> None:
    """What is wrong comes first, git's own words last."""
    said = failure(root, *words)

    assert said.startswith(expected)
    assert "fatal: " in said or "git: " in said


class _Answers(BaseHTTPRequestHandler):
    """Answers every request with the status that its path begins with."""

    def do_GET(self) -> None:
        """The status alone."""
        self.send_response(int(self.path.split("/")[1]))
        if self.path.startswith("/401"):
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that has no repository."""
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, "found no credentials that the remote repository accepts"),
        (403, "found no credentials that the remote repository accepts"),
        (404, "found no repository at http://127.0.0.1:"),
        (500, "found a fault of the host (HTTP status 500)"),
    ],
)
def test_an_answer_that_is_no_repository(
    root: Path, server: str, status: int, expected: str
) -> None:
    """Each refusal of a host has its own remedy, and no prompt waits for an answer."""
    assert failure(root, "ls-remote", f"{server}/{status}/x").startswith(expected)


def test_no_right_to_write(root: Path) -> None:
    """A file that git may not write is named."""
    (root / ".git").chmod(0o555)
    without = "-dac_override,-dac_read_search"  # the superuser's right to write everywhere
    drop = ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}"]
    try:
        done = subprocess.run(
            [*(drop if os.geteuid() == 0 else []), "git", "-C", root, "add", "a.txt"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        (root / ".git").chmod(0o755)

    assert told(root, "add", done.stderr).startswith(
        f"found that git may not use {root}/.git/index.lock (Permission denied)"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("git@example.com: Permission denied (publickey).", "found no credentials"),
        ("Host key verification failed.", "found a host whose key is not known"),
        ("fatal: unable to access 'https://x/': SSL certificate problem: expired", "found a cert"),
        ("fatal: sha1 file '<stdout>' write error: No space left on device", "found a full disk"),
        ("error: unable to write file: Disk quota exceeded", "found a full disk"),
        ("fatal: unable to write new_index file: Read-only file system", "found that a file of"),
        ("ssh: connect to host h port 22: Connection timed out", "found no answer from the host"),
        ("ssh: Could not resolve hostname h: Name or service", "found no address of the host h"),
        ("fatal: the remote end hung up unexpectedly", "found a connection that broke off"),
        ("*** Please tell me who you are.", "found no name and e-mail address to commit as"),
        ("fatal: cannot do a partial commit during a merge.", "found a merge"),
        ("error: short object ID ab12 is ambiguous", "found several objects that begin with ab12"),
        ("fatal: bad config line 9 in file .git/config", "found a fault in line 9 of .git/config"),
        ("fatal: Expected git repo version <= 1, found 9", "found a repository of a newer git"),
        ("fatal: this operation must be run in a work tree", "found a bare repository"),
    ],
)
def test_words_of_git(words: str, expected: str) -> None:
    """Words that only other machines bring about have their meaning too, and stay."""
    said = told(Path("/a"), "fetch", words)

    assert said.startswith(expected)
    assert said.endswith(f"(git fetch in /a: {words})")


def test_unknown_words(tmp_path: Path) -> None:
    """What nobody foresaw is told in git's own words, all of them."""
    assert "git commit failed in /a: hook: Connection refused\nsecond line" == told(
        Path("/a"), "commit", "hook: Connection refused\nsecond line\n"
    )
    assert "git merge-base failed in /a without a word" == told(Path("/a"), "merge-base", "")
    assert f"failed in {tmp_path}" not in failure(tmp_path, "status")
