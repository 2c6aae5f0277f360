"""Where a host of repositories shows a commit, for the hosts whose addresses tell."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from modelctl.errors import GitError
from modelctl.repo import git

# The page of a commit by what the host's name has in it; others are not guessed.
_PAGES = (
    ("github", "/commit/"),
    ("gitlab", "/-/commit/"),
    ("gitea", "/commit/"),
    ("forgejo", "/commit/"),
    ("codeberg.org", "/commit/"),
    ("bitbucket.org", "/commits/"),
)
_SSH = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+\.[\w.-]+):(?!//)(?P<path>[^:]+)")
_NAME = re.compile(r"[\w.-]+(:[0-9]+)?", re.ASCII)
_PATH = re.compile(r"(/[\w.~-]+){2,}", re.ASCII)


def commits(address: str) -> str:
    """The URL of a commit's page, but for the commit's id; empty where the host is not known.

    `address` is what git fetches from: a URL, or a name such as `git@github.com:team/models.git`.
    """
    host, path, scheme = _parts(address)
    page = next((page for name, page in _PAGES if name in host.lower()), "")
    path = "/" + path.strip("/").removesuffix(".git")
    if not page or not _NAME.fullmatch(host) or not _PATH.fullmatch(path):
        return ""
    return f"{scheme}://{host}{path}{page}"


def followed_commits(repository: str) -> str:
    """The same for a repository to follow: its URL, or a folder whose `origin` is asked."""
    folder = Path(repository)
    if not folder.exists():
        return commits(repository)
    try:
        return commits(git.text(folder, "remote", "get-url", "origin"))
    except GitError:
        return ""


def _parts(address: str) -> tuple[str, str, str]:
    """Host, path, and whether pages are asked by http or https."""
    by_ssh = _SSH.fullmatch(address)
    if by_ssh:
        return by_ssh["host"], by_ssh["path"], "https"
    try:
        parts = urlsplit(address)
        if parts.scheme in {"http", "https"}:
            return parts.netloc.rpartition("@")[2], parts.path, parts.scheme
        if parts.scheme in {"ssh", "git"}:
            return parts.hostname or "", parts.path, "https"
    except ValueError:
        pass
    return "", "", ""
