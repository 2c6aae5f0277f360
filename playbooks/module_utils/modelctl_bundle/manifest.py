"""The manifest of a bundle: every file by digest and size, and whether they are still so."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .faults import BundleError
from .fetch import digest

NAME = "manifest.json"
_SHOWN = 20


@dataclass(frozen=True)
class Difference:
    """Paths in which a folder is not what its manifest says."""

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    unlisted: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.unlisted)

    def __str__(self) -> str:
        kinds = {"missing": self.missing, "changed": self.changed, "unlisted": self.unlisted}
        return "; ".join(
            f"{len(paths)} {kind}: {', '.join(paths[:_SHOWN])}" + " …" * (len(paths) > _SHOWN)
            for kind, paths in kinds.items()
            if paths
        )


def files(root: Path) -> dict[str, dict[str, Any]]:
    """Digest and size of every file below `root` but the manifest and unfinished parts.

    Raises BundleError for what is neither a file nor a folder: a carried bundle has no links.
    """
    return {
        path: {"sha256": digest(root / path), "bytes": (root / path).stat().st_size}
        for path in sorted(_paths(root))
        if not path.endswith(".part")
    }


def _paths(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        relative = path.relative_to(root).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            if relative != NAME:
                yield relative
        elif not stat.S_ISDIR(mode):
            raise BundleError(
                str(path),
                found="neither a file nor a folder",
                expected="only files and folders in a bundle",
                remedy="remove it, and find out who put it there",
            )


def difference(root: Path, listed: dict[str, dict[str, Any]]) -> Difference:
    """What of the listed files is missing or changed, and what is there unlisted."""
    present = set(_paths(root))
    return Difference(
        missing=tuple(sorted(set(listed) - present)),
        changed=tuple(
            path
            for path in sorted(present & set(listed))
            if not _is_same(root / path, listed[path])
        ),
        unlisted=tuple(sorted(present - set(listed))),
    )


def _is_same(path: Path, listed: dict[str, Any]) -> bool:
    return (path.stat().st_size, digest(path)) == (listed["bytes"], listed["sha256"])


def read(root: Path) -> dict[str, Any]:
    """The manifest of a bundle. Raises BundleError where there is none that can be read."""
    path = root / NAME
    try:
        told: dict[str, Any] = json.loads(path.read_text())
        listed = told["files"]
        {(of["sha256"], of["bytes"]) for of in listed.values()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BundleError(
            str(path),
            found=f"no manifest that can be read: {error}",
            expected="the manifest that playbooks/bundle.yml wrote",
            remedy="check the path of the bundle; carry it over again",
        ) from error
    return told


def verified(root: Path, *, sha256: str = "") -> dict[str, Any]:
    """The manifest of a bundle that is what it says; `sha256` is the manifest's own, when known."""
    told = read(root)
    found = digest(root / NAME)
    if sha256 and found != sha256.lower():
        raise BundleError(
            str(root / NAME),
            found=f"sha256 {found}",
            expected=f"sha256 {sha256.lower()}",
            remedy="trust nothing of this bundle; compare what the collecting run printed",
        )
    differs = difference(root, told["files"])
    if differs:
        raise BundleError(
            f"Bundle {root}",
            found=str(differs),
            expected="exactly the files of its manifest",
            remedy="carry the bundle over again; when it stays, collect it again",
        )
    return told
