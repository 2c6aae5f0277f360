"""An edit and its commit are one: they happen whole, or files, index and branch are as before."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.edit import transaction
from modelctl.errors import EditRefusedError, GitError, ModelctlError
from scratch import git, init

FILES = {"apps/a/envs/prod.yaml": b"old\n", "apps/a/rendered/prod/x.yaml": b"gone\n"}
CHANGES: dict[str, bytes | None] = {
    "apps/a/envs/prod.yaml": b"new\n",
    "apps/a/rendered/prod/x.yaml": None,
    "apps/a/rendered/prod/y.yaml": b"added\n",
}
# Kills the modelctl that runs git: it is the parent of the hook's parent.
KILL = "kill -9 $(cut -d' ' -f4 /proc/$PPID/stat)"
# Dies in the middle of the writing: after as many files as its last argument says.
DIE_AFTER = """
import os, signal, sys
from pathlib import Path
from modelctl.edit import transaction, undo
put, left = undo.put, [int(sys.argv[2])]
def dying(root, name, content):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    put(root, name, content)
undo.put = dying
changes = {"apps/a/envs/prod.yaml": b"new\\n", "apps/a/rendered/prod/x.yaml": None,
           "apps/a/rendered/prod/y.yaml": b"added\\n"}
with transaction.only_writer(Path(sys.argv[1])):
    transaction.commit(Path(sys.argv[1]), changes, "apps/a: Change")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with two files, one of which an edit changes and one of which it removes."""
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / "other.txt").write_text("somebody's work\n")
    init(tmp_path)
    return tmp_path


def everything(root: Path) -> dict[str, bytes]:
    """Every file of the work tree, the index and the commit that is checked out."""
    files = (path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts)
    found = {str(path.relative_to(root)): path.read_bytes() for path in files}
    found["index"] = (root / ".git/index").read_bytes()
    return found | {"HEAD": git(root, "rev-parse", "HEAD").encode()}


def hook(root: Path, name: str, script: str) -> None:
    """Give the repository a hook."""
    path = root / ".git" / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_commit_has_exactly_the_changes(root: Path) -> None:
    """What is committed is what was promised; what else is staged or dirty stays so."""
    (root / "other.txt").write_text("half a thought\n")
    git(root, "add", "other.txt")

    identity = transaction.commit(root, CHANGES, "apps/a: Change")

    assert identity == git(root, "rev-parse", "HEAD").strip()
    listed = git(root, "diff", "--no-renames", "--name-status", "HEAD^", "HEAD").splitlines()
    assert [
        "M\tapps/a/envs/prod.yaml",
        "D\tapps/a/rendered/prod/x.yaml",
        "A\tapps/a/rendered/prod/y.yaml",
    ] == listed
    assert "M  other.txt" == git(root, "status", "--porcelain").strip()


def _merge(root: Path) -> None:
    git(root, "switch", "--quiet", "--create", "side")
    (root / "other.txt").write_text("theirs\n")
    git(root, "commit", "--quiet", "--all", "--message", "side: Change")
    git(root, "switch", "--quiet", "main")
    (root / "other.txt").write_text("ours\n")
    git(root, "commit", "--quiet", "--all", "--message", "main: Change")
    subprocess.run(["git", "-C", root, "merge", "--quiet", "side"], check=False)


def _no_identity(root: Path) -> None:
    git(root, "config", "--unset", "user.name")
    git(root, "config", "--unset", "user.email")
    git(root, "config", "user.useConfigOnly", "true")


def _rebase(root: Path) -> None:
    (root / ".git" / "rebase-merge").mkdir()


PRECONDITIONS: dict[str, tuple[Callable[[Path], object], str]] = {
    "merge": (_merge, "a merge is under way"),
    "rebase": (_rebase, "a rebase is under way"),
    "identity": (_no_identity, "found no identity to commit as"),
    "lock": (lambda root: (root / ".git/index.lock").touch(), "index.lock exists"),
    "detached": (lambda root: git(root, "checkout", "--quiet", "--detach"), "is detached"),
    "dirty": (
        lambda root: (root / "apps/a/envs/prod.yaml").write_text("mine\n"),
        "uncommitted changes",
    ),
    "in-the-way": (
        lambda root: (root / "apps/a/rendered/prod/y.yaml").write_text("mine\n"),
        "uncommitted changes",
    ),
    "link": (
        lambda root: (root / "apps/a/rendered/prod/y.yaml").symlink_to("x.yaml"),
        "is a symbolic link",
    ),
    "hook": (
        lambda root: hook(root, "pre-commit", "echo no such thing >&2; exit 1"),
        "no such thing",
    ),
    "message-hook": (lambda root: hook(root, "commit-msg", "exit 1"), "nothing was changed"),
    "formatter": (
        lambda root: hook(root, "pre-commit", "echo x >apps/a/envs/prod.yaml; git add apps"),
        "other bytes than promised",
    ),
}


@pytest.mark.parametrize("case", PRECONDITIONS)
def test_a_commit_that_cannot_be_made_changes_nothing(
    case: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps a commit from being made is named, and every byte is as it was."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    arrange, words = PRECONDITIONS[case]
    arrange(root)
    git(root, "update-index", "-q", "--refresh") if case not in ("merge", "lock", "dirty") else None
    before = everything(root)

    with pytest.raises((ModelctlError, EditRefusedError, GitError), match=words):
        transaction.commit(root, CHANGES, "apps/a: Change")

    assert before == everything(root)


def test_the_same_command_works_once_the_cause_is_gone(root: Path) -> None:
    """After a hook refused, nothing is left that the next try would stumble over."""
    hook(root, "pre-commit", "exit 1")
    with pytest.raises(GitError, match="--no-verify"):
        transaction.commit(root, CHANGES, "apps/a: Change")
    (root / ".git/hooks/pre-commit").unlink()

    with transaction.only_writer(root) as mended:
        transaction.commit(root, CHANGES, "apps/a: Change")

    assert () == mended
    assert "" == git(root, "status", "--porcelain")


def test_hooks_can_be_passed_over(root: Path) -> None:
    """Without verification a hook that refuses is not asked."""
    hook(root, "pre-commit", "exit 1")

    transaction.commit(root, CHANGES, "apps/a: Change", verify=False)

    assert b"new\n" == (root / "apps/a/envs/prod.yaml").read_bytes()


def test_ctrl_c_in_the_middle_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt while git works undoes what was written."""
    before = everything(root)

    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(transaction, "_committed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        transaction.commit(root, CHANGES, "apps/a: Change")

    assert before == everything(root)


@pytest.mark.parametrize("files", range(4))
def test_a_kill_while_files_are_written_is_undone_by_the_next_edit(files: int, root: Path) -> None:
    """After a kill at any file, the next command puts everything back and says so."""
    before = everything(root)
    done = subprocess.run(
        [sys.executable, "-c", DIE_AFTER, str(root), str(files)], check=False, capture_output=True
    )

    with transaction.only_writer(root) as mended:
        found = everything(root)

    assert files == 3 or -signal.SIGKILL == done.returncode
    if files == 3:
        assert () == mended
    else:
        assert ("an interrupted edit was undone: apps/a: Change",) == mended
        assert before | {"index": found["index"]} == found
        assert "" == git(root, "status", "--porcelain")


@pytest.mark.parametrize(("ending", "words"), [("exit 1", "undone"), ("exit 0", "committed whole")])
def test_a_kill_while_git_works(ending: str, words: str, root: Path) -> None:
    """After a kill during the commit, the edit is found undone or whole, never half."""
    hook(root, "pre-commit", f"{KILL}; {ending}")
    subprocess.run(
        [sys.executable, "-c", DIE_AFTER, str(root), "99"], check=False, capture_output=True
    )
    _let_git_end(root)

    with transaction.only_writer(root) as mended:
        status = git(root, "status", "--porcelain")

    assert words in mended[0]
    assert "" == status


def _let_git_end(root: Path) -> None:
    """Wait until the git that outlived its parent has let go of the index."""
    while (root / ".git/index.lock").exists():
        pass


def test_what_somebody_changed_since_is_left_and_named(root: Path) -> None:
    """A file that was edited after the kill is not overwritten by the undoing."""
    subprocess.run(
        [sys.executable, "-c", DIE_AFTER, str(root), "2"], check=False, capture_output=True
    )
    (root / "apps/a/envs/prod.yaml").write_text("mine\n")

    with transaction.only_writer(root) as mended:
        pass

    assert "left as they are, because they were changed since: apps/a/envs/prod.yaml" in mended[0]
    assert "mine\n" == (root / "apps/a/envs/prod.yaml").read_text()
    assert (root / "apps/a/rendered/prod/x.yaml").exists()


def test_what_somebody_committed_since_is_left_and_named(root: Path) -> None:
    """A part of the killed edit that was committed by hand is not undone in the work tree."""
    subprocess.run(
        [sys.executable, "-c", DIE_AFTER, str(root), "2"], check=False, capture_output=True
    )
    git(root, "commit", "--quiet", "--all", "--message", "apps/a: Finish by hand")

    with transaction.only_writer(root) as mended:
        pass

    assert "left as they are" in mended[0]
    assert b"new\n" == (root / "apps/a/envs/prod.yaml").read_bytes()
    assert "" == git(root, "status", "--porcelain")


def test_a_damaged_record_is_named(root: Path) -> None:
    """A record that cannot be read stops the next edit instead of being dropped."""
    (root / ".git/modelctl-edit.json").write_text("{")

    with (
        pytest.raises(ModelctlError, match=r"modelctl-edit\.json is damaged"),
        transaction.only_writer(root),
    ):
        pass


def test_a_place_that_cannot_be_written_undoes_the_rest(root: Path) -> None:
    """Where one file cannot be written, those before it are put back."""
    (root / "apps/a/rendered/prod/y.yaml").mkdir()
    (root / "apps/a/rendered/prod/y.yaml/inside").write_text("x")
    before = everything(root)

    with pytest.raises(ModelctlError, match=r"y\.yaml cannot be written"):
        transaction.write(root, CHANGES, "apps/a: Change")

    assert before == everything(root)


def test_what_a_sparse_checkout_leaves_out_is_not_written(root: Path) -> None:
    """A file that is not checked out is refused with the command that brings it."""
    git(root, "sparse-checkout", "set", "--no-cone", "/other.txt")
    before = everything(root)

    with pytest.raises(ModelctlError, match="git sparse-checkout add apps/a/envs"):
        transaction.commit(root, CHANGES, "apps/a: Change")

    assert before == everything(root)


def test_one_writer_at_a_time(root: Path) -> None:
    """A second edit is refused while the first holds the lock."""
    with (
        transaction.only_writer(root),
        pytest.raises(ModelctlError, match="another modelctl is editing"),
        transaction.only_writer(root),
    ):
        pass


def test_a_first_commit_can_be_made(tmp_path: Path) -> None:
    """Before the first commit there is nothing to compare with, and nothing in the way."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "config", "user.name", "Test")
    git(tmp_path, "config", "user.email", "test@example.com")

    identity = transaction.commit(tmp_path, {"apps/a/model.yaml": b"x\n"}, "apps/a: Add")

    assert identity == git(tmp_path, "rev-parse", "main").strip()
