"""Scratch repositories: the words that several test modules share."""

import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[1]


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
