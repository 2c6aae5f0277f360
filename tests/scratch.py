"""Scratch repositories: the words that several test modules share."""

import re
import shutil
import subprocess
from pathlib import Path

from modelctl.render import drift
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree

PROJECT = Path(__file__).parents[1]
# A host of the samples; where their artifacts are said to lie, nothing is looked for.
_SAMPLE = re.compile(r"(?<!https://models)\.example\.com\b")


def git(root: Path, *words: str) -> str:
    """Standard output of a git command in a scratch repository."""
    done = subprocess.run(
        ["git", "-C", str(root), *words], check=True, capture_output=True, text=True
    )
    return done.stdout


def init(root: Path) -> None:
    """Make a repository of everything below `root`, with an identity and one commit."""
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Test")
    git(root, "config", "user.email", "test@example.com")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "root: Begin")


def use_own_hosts(root: Path) -> None:
    """Give environments and images host names that are no samples; render what repeats them."""
    for file in (root / "argocd/environments.yaml", *root.glob("apps/*/releases/*.yaml")):
        file.write_text(_SAMPLE.sub(".models.test", file.read_text("utf-8")), "utf-8")
    repository = load(WorkTree(root))
    changes = drift.shared_changes(repository, exact=True)
    for folder in repository.folders:
        changes |= drift.render_changes(repository.model(folder))
    for path, content in changes.items():
        if content is None:
            (root / path).unlink()
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)


def commit(root: Path, subject: str = "root: Change") -> str:
    """Commit everything below `root`, or nothing new; the hash."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", subject)
    return git(root, "rev-parse", "HEAD").strip()


def copy_project(target: Path) -> None:
    """Copy every file of this repository that git does not ignore, committed or not."""
    listed = git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        source = PROJECT / name
        if source.is_file() and not source.is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)
