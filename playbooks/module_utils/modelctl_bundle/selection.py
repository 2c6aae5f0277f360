"""Which packages a bundle holds: the wanted ones, and what they need."""

from __future__ import annotations

import fnmatch
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from .debian_version import order, satisfies
from .faults import BundleError
from .index import Package, Relation


@dataclass(frozen=True)
class Wanted:
    """A package by name, and the version or glob that it must have."""

    repository: str
    name: str
    version: str = "*"


@dataclass(frozen=True)
class Pin:
    """Versions that apt will prefer on the hosts, for names that match a glob."""

    repository: str
    names: tuple[str, ...]
    version: str


@dataclass
class Selection:
    """Chosen packages, and dependencies that no repository serves, each with who needs it."""

    packages: list[Package] = field(default_factory=list)
    unresolved: dict[str, str] = field(default_factory=dict)
    _versions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _provided: set[str] = field(default_factory=set)

    def add(self, package: Package) -> bool:
        """Choose a package; whether it was not chosen before."""
        versions = self._versions[package.name]
        if package.version in versions:
            return False
        versions.add(package.version)
        self._provided |= {provided.name for provided in package.provides}
        self.packages.append(package)
        return True

    def meets(self, relation: Relation) -> bool:
        """Whether a chosen package satisfies the relation."""
        versions = self._versions.get(relation.name, set())
        if not relation.relation:
            return bool(versions) or relation.name in self._provided
        return any(satisfies(v, relation.relation, relation.version) for v in versions)


class Catalogue:
    """Packages of the repositories of one distribution, in the order of the repositories."""

    def __init__(self, packages: Iterable[Package], pins: Iterable[Pin]) -> None:
        self._pins = tuple(pins)
        self._by_name: dict[str, list[Package]] = defaultdict(list)
        self._by_provided: dict[str, list[tuple[Package, Relation]]] = defaultdict(list)
        for package in packages:
            self._by_name[package.name].append(package)
            for provided in package.provides:
                self._by_provided[provided.name].append((package, provided))

    def wanted(self, wanted: Wanted) -> Package:
        """The newest package that is wanted. Raises BundleError when the index has none."""
        held = [p for p in self._by_name.get(wanted.name, []) if p.repository == wanted.repository]
        fits = [p for p in held if fnmatch.fnmatchcase(p.version, wanted.version)]
        if not fits:
            versions = ", ".join(sorted({p.version for p in held}, key=order)[-8:])
            raise BundleError(
                f"Package {wanted.name} of repository {wanted.repository}",
                found=f"in its index {f'the versions {versions}' if held else 'no such package'}",
                expected=f"version {wanted.version}",
                remedy="correct the version in versions.yml, or leave the package out with "
                "bundle_packages_excluded",
            )
        return newest(self._pinned(fits))

    def needed(self, relation: Relation, near: str) -> Package | None:
        """What apt would install for a relation, first from the repository `near`."""
        real = [p for p in self._by_name.get(relation.name, []) if fulfils(p, relation)]
        fits = real or [
            package
            for package, provided in self._by_provided.get(relation.name, [])
            if not relation.relation or _provides(provided, relation)
        ]
        own = [package for package in fits if package.repository == near]
        return newest(self._pinned(own or fits)) if fits else None

    def _pinned(self, fits: list[Package]) -> list[Package]:
        preferred = [package for package in fits if any(_is_pinned(package, p) for p in self._pins)]
        return preferred or fits


def fulfils(package: Package, relation: Relation) -> bool:
    """Whether a package of that name has a version that the relation takes."""
    return not relation.relation or satisfies(package.version, relation.relation, relation.version)


def newest(packages: list[Package]) -> Package:
    """The package with the highest version; the first of equals."""
    return max(packages, key=lambda package: order(package.version))


def select(wanted: Iterable[Wanted], catalogue: Catalogue) -> Selection:
    """The wanted packages, and all that they depend on as far as the repositories serve it.

    Recommended packages are left out, as the roles leave them out. Of alternatives the first that
    is there counts, unless another one was chosen already.
    """
    found = Selection()
    queue = deque(catalogue.wanted(one) for one in wanted)
    for package in queue:
        found.add(package)
    while queue:
        package = queue.popleft()
        for group in package.needs():
            if any(map(found.meets, group)):
                continue
            new = next(filter(None, (catalogue.needed(r, package.repository) for r in group)), None)
            if new is None:
                found.unresolved[" | ".join(map(str, group))] = package.name
            elif found.add(new):
                queue.append(new)
    return found


def _provides(provided: Relation, relation: Relation) -> bool:
    return bool(provided.version) and satisfies(
        provided.version, relation.relation, relation.version
    )


def _is_pinned(package: Package, pin: Pin) -> bool:
    return (
        package.repository == pin.repository
        and any(fnmatch.fnmatchcase(package.name, name) for name in pin.names)
        and fnmatch.fnmatchcase(package.version, pin.version)
    )
