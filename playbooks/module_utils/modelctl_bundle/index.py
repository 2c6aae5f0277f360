"""A repository's index: its packages and what they depend on."""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .faults import BundleError

FORMATS = (".xz", ".gz", "")  # in the order in which apt asks
_FIELDS = frozenset(
    {"Package", "Version", "Architecture", "Filename", "Size", "SHA256"}
    | {"Depends", "Pre-Depends", "Provides"}
)
_RELATION = re.compile(
    r"\s*(?P<name>[a-z0-9][a-z0-9+.-]*)(?::(?P<machine>[a-z0-9-]+))?"
    r"\s*(?:\((?P<relation>[<>=]+)\s*(?P<version>[^)\s]+)\s*\))?"
)


@dataclass(frozen=True)
class Relation:
    """One alternative of a dependency; an empty `relation` takes any version."""

    name: str
    relation: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.relation} {self.version})" if self.relation else self.name


@dataclass(frozen=True)
class Package:
    """One version of a package, as the signed index names it; `path` lies below `uri`."""

    repository: str
    uri: str
    name: str
    version: str
    path: str
    size_bytes: int
    sha256: str
    depends: str = field(default="", repr=False)
    provides: tuple[Relation, ...] = field(default=(), repr=False)

    def needs(self) -> Iterator[tuple[Relation, ...]]:
        """Groups of alternatives that it depends on; read when asked, as most never are."""
        return relations(self.depends)


def unpacked(content: bytes, name: str) -> str:
    """Text of an index whose compression its name tells; the digest was checked before."""
    if name.endswith(".xz"):
        content = lzma.decompress(content)
    elif name.endswith(".gz"):
        content = gzip.decompress(content)
    return content.decode()


def packages(text: str, *, repository: str, uri: str, architecture: str) -> Iterator[Package]:
    """Packages of an index that a host of that architecture can install.

    The index of a flat repository may list other architectures beside. Raises BundleError for a
    record that lacks a field, or whose path leaves the repository.
    """
    for record in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1)
            for line in record.splitlines()
            if line.split(":", 1)[0] in _FIELDS and ": " in line
        )
        if fields and fields.get("Architecture", architecture) in {architecture, "all"}:
            yield _package(fields, repository, uri)


def _package(fields: dict[str, str], repository: str, uri: str) -> Package:
    where = f"Package {fields.get('Package')} {fields.get('Version')} of repository {repository}"
    missing = {"Package", "Version", "Filename", "Size", "SHA256"} - set(fields)
    if missing:
        raise BundleError(
            where,
            found=f"a record of the index without {', '.join(sorted(missing))}",
            expected="name, version, path, size and SHA256",
            remedy="report it to the publisher; such a package cannot be verified",
        )
    return Package(
        repository=repository,
        uri=uri,
        name=fields["Package"],
        version=fields["Version"].strip(),
        path=inside(fields["Filename"], where=where),
        size_bytes=int(fields["Size"]),
        sha256=fields["SHA256"].strip().lower(),
        depends=", ".join(fields[name] for name in ("Pre-Depends", "Depends") if name in fields),
        provides=tuple(one for group in relations(fields.get("Provides", "")) for one in group),
    )


def inside(filename: str, *, where: str) -> str:
    """Relative path of a package below its repository, without `.` elements.

    Raises BundleError for an absolute path, `..`, or characters that no address needs.
    """
    path = PurePosixPath(filename.strip())
    parts = path.parts
    if (
        path.is_absolute()
        or ".." in parts
        or not parts
        or not re.fullmatch(r"[\w./+~:%=@-]+", str(path))
    ):
        raise BundleError(
            where,
            found=f"Filename: {filename!r}",
            expected="a path below the repository",
            remedy="trust nothing of this repository until its publisher explains the entry",
        )
    return str(path)


def relations(text: str) -> Iterator[tuple[Relation, ...]]:
    """Groups of alternatives of a field such as Depends; `:any` and the like are dropped."""
    for group in filter(str.strip, text.split(",")):
        found = [_RELATION.match(one) for one in group.split("|")]
        yield tuple(
            Relation(m["name"], m["relation"] or "", m["version"] or "") for m in found if m
        )
