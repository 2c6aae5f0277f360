"""Addresses at what serves the repository: of folders and files for people, of its API."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from modelctl.repo.kinds import Forge, GitSource


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How one kind of forge spells what is asked of it; `{}` stands for host, path or branch."""

    api: str  # of a host
    folder: str  # of a branch, after the repository's page
    file: str
    statuses: str  # of a repository's path, before the revision
    header: tuple[str, str]  # that carries a token
    failed: str  # the state of a commit that could not be deployed


_TOKEN = "$commit-status-token"  # noqa: S105 - the name of a key in a Secret
_DIALECTS: Mapping[Forge, _Dialect] = {
    "github": _Dialect(
        "https://{}/api/v3",
        "tree/{}",
        "blob/{}",
        "/repos/{}/statuses",
        ("Authorization", f"Bearer {_TOKEN}"),
        "failure",
    ),
    "gitlab": _Dialect(
        "https://{}/api/v4",
        "-/tree/{}",
        "-/blob/{}",
        "/projects/{}/statuses",
        ("PRIVATE-TOKEN", _TOKEN),
        "failed",
    ),
    "gitea": _Dialect(
        "https://{}/api/v1",
        "src/branch/{}",
        "src/branch/{}",
        "/repos/{}/statuses",
        ("Authorization", f"token {_TOKEN}"),
        "failure",
    ),
}
_API_OF = {"github.com": "https://api.github.com"}  # the one host whose API is elsewhere


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one repository."""

    folders: str  # the page of the repository's top folder, at the branch
    files: str  # before the path of a file
    api: str
    statuses: str  # path at the API, before a revision
    header: tuple[str, str]
    failed: str


def addresses(source: GitSource) -> Addresses | None:
    """The addresses of a repository; None where nothing says what serves it."""
    if source.forge is None:
        return None
    host, path = _host_and_path(source.url)
    branch = source.revision.removeprefix("refs/heads/")
    dialect = _DIALECTS[source.forge]
    is_one_part = source.forge == "gitlab"
    return Addresses(
        folders=f"https://{host}/{path}/{dialect.folder.format(branch)}",
        files=f"https://{host}/{path}/{dialect.file.format(branch)}",
        api=_API_OF.get(host, dialect.api.format(host)),
        statuses=dialect.statuses.format(quote(path, safe="" if is_one_part else "/")),
        header=dialect.header,
        failed=dialect.failed,
    )


def _host_and_path(url: str) -> tuple[str, str]:
    """Host, with the port of https alone, and path without the suffix, of an address of git."""
    if "://" not in url:  # git@host:path
        host, _, path = url.partition("@")[2].partition(":")
        return host, _stem(path)
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return host if parts.scheme == "https" else host.partition(":")[0], _stem(parts.path)


def _stem(path: str) -> str:
    return path.strip("/").removesuffix(".git")
