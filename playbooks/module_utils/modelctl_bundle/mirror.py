"""Repositories in their publishers' layout: signed release, signed index, chosen packages."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import fetch, index, release, selection
from .faults import BundleError
from .fetch import File

_KEY_LIMIT_BYTES = 1 << 20
_RELEASE_LIMIT_BYTES = 16 << 20
_INDEX_LIMIT_BYTES = 256 << 20


@dataclass(frozen=True)
class Key:
    """A publisher's key: its file below the bundle, where it comes from, what it must be."""

    path: str
    url: str
    fingerprint: str


@dataclass(frozen=True)
class Repository:
    """A package repository, and the folder of the bundle that mirrors it."""

    name: str
    path: str
    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    keys: tuple[Key, ...]
    packages: tuple[str, ...]
    pins: tuple[selection.Pin, ...] = ()

    def url(self, path: str) -> str:
        """Address of a file of the repository."""
        return f"{self.uri.rstrip('/')}/{path}"


@dataclass(frozen=True)
class Settings:
    """What holds for every repository of one bundle."""

    root: Path
    architecture: str
    limit_bytes: int
    timeout_s: float
    now: dt.datetime


@dataclass
class Plan:
    """What a bundle needs: files to fetch, and what was read already."""

    selection: selection.Selection = field(default_factory=selection.Selection)
    keys: dict[str, bytes] = field(default_factory=dict)
    packages: list[File] = field(default_factory=list)
    indexes: dict[str, bytes] = field(default_factory=dict)
    releases: dict[str, bytes] = field(default_factory=dict)


def plan(repositories: list[Repository], settings: Settings) -> Plan:
    """Read every release and index, below the signatures, and choose the packages."""
    found = Plan()
    packages: list[index.Package] = []
    for repository in repositories:
        for suite in repository.suites:
            packages += _read_suite(repository, suite, found, settings)
    pins = [pin for repository in repositories for pin in repository.pins]
    catalogue = selection.Catalogue(packages, pins)
    found.selection = selection.select(_wanted(repositories), catalogue)
    found.packages = [_file(package) for package in found.selection.packages]
    return found


def missing(found: Plan, settings: Settings) -> list[File]:
    """Packages of the plan that are not there; BundleError when they do not fit."""
    files = [file for file in found.packages if not fetch.is_held(file, settings.root)]
    fetch.check_space(files, settings.root, limit_bytes=settings.limit_bytes)
    return files


def changed_indexes(found: Plan, root: Path) -> list[str]:
    """Paths of keys, releases and indexes that are not there as they were read."""
    paths = {**found.keys, **found.indexes, **found.releases}
    return [
        path
        for path, content in paths.items()
        if not (root / path).is_file() or (root / path).read_bytes() != content
    ]


def bring(found: Plan, files: list[File], settings: Settings) -> None:
    """Fetch packages first, then indexes, then releases: what apt reads is served in full."""
    for file in files:
        fetch.fetch(file, settings.root, timeout_s=settings.timeout_s)
    for part in (found.keys, found.indexes, found.releases):
        for path, content in part.items():
            fetch.write(content, settings.root / path)


def _read_suite(
    repository: Repository, suite: str, found: Plan, settings: Settings
) -> Iterator[index.Package]:
    base = suite.strip("/").removeprefix("./")
    base = (f"{base}/" if base else "") if suite.endswith("/") else f"dists/{base}/"
    where = repository.url(f"{base}InRelease")
    keys = [_certificate(key, found, settings) for key in repository.keys]
    signed = fetch.read(where, limit_bytes=_RELEASE_LIMIT_BYTES, timeout_s=settings.timeout_s)
    read = release.verified(signed, keys, where=where, now=settings.now)
    found.releases[f"{repository.path}/{base}InRelease"] = signed
    for name in _index_names(repository, read, settings.architecture, is_flat=suite.endswith("/")):
        listed = read.files[name]
        path = f"{repository.path}/{base}{name}"
        content = _content(path, repository.url(base + name), listed, settings)
        found.indexes |= dict.fromkeys(_served_at(path, content, read), content)
        yield from index.packages(
            index.unpacked(content, name),
            repository=repository.path,
            uri=repository.uri,
            architecture=settings.architecture,
        )


def _certificate(key: Key, found: Plan, settings: Settings) -> Any:  # noqa: ANN401 - pysequoia
    path = settings.root / key.path
    if key.path not in found.keys:
        found.keys[key.path] = (
            path.read_bytes()
            if path.is_file()
            else fetch.read(key.url, limit_bytes=_KEY_LIMIT_BYTES, timeout_s=settings.timeout_s)
        )
    where = str(path) if path.is_file() else key.url
    return release.certificate(found.keys[key.path], key.fingerprint, where=where)


def _index_names(
    repository: Repository, read: release.Release, architecture: str, *, is_flat: bool
) -> Iterator[str]:
    """Name of each index in the form that apt asks for first."""
    folders = [""] if is_flat else [f"{c}/binary-{architecture}/" for c in repository.components]
    if read.has_index_of_all and not is_flat:
        folders += [f"{c}/binary-all/" for c in repository.components]
    for folder in folders:
        names = [f"{folder}Packages{suffix}" for suffix in index.FORMATS]
        listed = [name for name in names if name in read.files]
        if listed:
            yield listed[0]
        elif not folder.endswith("binary-all/"):
            raise BundleError(
                read.where,
                found=f"no index {folder}Packages",
                expected=f"one for architecture {architecture}",
                remedy="check the components and the architecture of the repository",
            )


def _content(path: str, url: str, listed: release.Listed, settings: Settings) -> bytes:
    file = File(path, url, listed.sha256, listed.size_bytes)
    if file.size_bytes > _INDEX_LIMIT_BYTES:
        raise BundleError(
            url,
            found=f"an index of {file.size_bytes} bytes",
            expected=f"at most {_INDEX_LIMIT_BYTES}",
            remedy="check the address of the repository",
        )
    if fetch.is_held(file, settings.root):
        return (settings.root / path).read_bytes()
    return fetch.read_listed(file, timeout_s=settings.timeout_s)


def _served_at(path: str, content: bytes, read: release.Release) -> Iterator[str]:
    """Where apt may ask for an index: by its name, and by each digest that the release lists."""
    yield path
    for name in ("SHA256", "SHA512"):
        if read.is_by_hash and name in read.fields:
            digest = hashlib.new(name.lower(), content).hexdigest()
            yield f"{path.rpartition('/')[0]}/by-hash/{name}/{digest}"


def _wanted(repositories: list[Repository]) -> Iterator[selection.Wanted]:
    for repository in repositories:
        for text in repository.packages:
            name, _, version = text.partition("=")
            yield selection.Wanted(repository.path, name, version or "*")


def _file(package: index.Package) -> File:
    return File(
        path=f"{package.repository}/{package.path}",
        url=f"{package.uri.rstrip('/')}/{package.path}",
        sha256=package.sha256,
        size_bytes=package.size_bytes,
    )


def described(found: Plan) -> dict[str, Any]:
    """What a plan chose, for the lists of a bundle."""
    listed: dict[str, list[str]] = {}
    zipped = zip(found.selection.packages, found.packages, strict=True)
    for package in found.selection.packages:
        listed.setdefault(package.repository, []).append(f"{package.name}={package.version}")
    return {
        "packages": {path: sorted(names) for path, names in sorted(listed.items())},
        "paths": {package.name: file.path for package, file in zipped},
        "unresolved": dict(sorted(found.selection.unresolved.items())),
    }
