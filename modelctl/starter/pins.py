"""The requirements file that pins modelctl to the version that made the repository."""

import json
from importlib.metadata import Distribution, PackageNotFoundError, distribution

_SERVER = "modelserver"


def requirements(index: str = "") -> str:
    """One line for modelctl and one for its server, exact, as this program was installed.

    Before them the package index that has both, where it is not pip's own.
    """
    own = distribution("modelctl")
    lines = [f"--index-url {index}"] if index else []
    lines += [_line(own, "modelctl", "local"), _line(_server() or own, _SERVER)]
    return "\n".join([*lines, ""])


def _server() -> Distribution | None:
    try:
        return distribution(_SERVER)
    except PackageNotFoundError:
        return None


def _line(installed: Distribution, name: str, extra: str = "") -> str:
    """A requirement with the address that pip came to it by, where others can use that."""
    full = f"{name}[{extra}]" if extra else name
    origin = _origin(installed) if installed.name == name else ""
    return f"{full} @ {origin}" if origin else f"{full}=={installed.version}"


def _origin(installed: Distribution) -> str:
    """The address of a commit or of an archive with its digest; empty for any other place."""
    told = json.loads(installed.read_text("direct_url.json") or "{}")
    url, folder = str(told.get("url", "")), told.get("subdirectory")
    vcs, archive = told.get("vcs_info", {}), told.get("archive_info", {})
    if vcs.get("commit_id") and "://" in url and not url.startswith("file:"):
        address = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
        return f"{address}#subdirectory={folder}" if folder else address
    digest = archive.get("hashes", {}).get("sha256")
    return f"{url}#sha256={digest}" if digest and url.startswith("https:") else ""
