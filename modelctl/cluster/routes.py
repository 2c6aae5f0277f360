"""What live HTTPRoutes say beside their weights: copies, what a gateway thinks of them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelctl.render.loose import mappings, value
from modelctl.repo.layout import is_release
from modelctl.status.values import ShadowStatus

Json = Mapping[str, Any]
Taken = tuple[str, str]  # a host and a path

_ALL = 100  # percent of the requests that are copied where a mirror says nothing
_NEEDED = ("Accepted", "ResolvedRefs")


def name_of(item: Json) -> tuple[str, str]:
    """Namespace and name of an object."""
    metadata = item.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def shadow(route: Json | None) -> ShadowStatus | None:
    """The release that gets copies by a route; None where none does."""
    for rule in mappings(route, "spec", "rules"):
        for item in mappings(rule, "filters"):
            mirror = item.get("requestMirror")
            release = str(value(mirror, "backendRef", "name") or "").rpartition("-")[2]
            if is_release(release):
                percent = value(mirror, "percent")
                return ShadowStatus(release, percent if isinstance(percent, int) else _ALL)
    return None


def complaints(route: Json) -> tuple[str, ...]:
    """What the gateways that a route is attached to have against it."""
    return tuple(
        f"{each.get('type')} is False, {each.get('reason')}: {each.get('message')}"
        for parent in mappings(route, "status", "parents")
        for each in mappings(parent, "conditions")
        if each.get("type") in _NEEDED and each.get("status") == "False"
    )


def is_taken(route: Json) -> bool:
    """Whether every gateway that a route is attached to has seen it as it is now."""
    generation = value(route, "metadata", "generation")
    asked = len(list(mappings(route, "spec", "parentRefs")))
    parents = list(mappings(route, "status", "parents"))
    seen = [
        each.get("observedGeneration") == generation
        for parent in parents
        for each in mappings(parent, "conditions")
        if each.get("type") in _NEEDED
    ]
    return len(parents) >= asked and bool(seen) and all(seen)


def takers(routes: Iterable[Json]) -> dict[Taken, list[tuple[str, str]]]:
    """By host and path, the routes that take requests there whatever their headers are."""
    found: dict[Taken, list[tuple[str, str]]] = {}
    for route in routes:
        for taken in dict.fromkeys(_taken(route)):
            found.setdefault(taken, []).append(name_of(route))
    return found


def rivals(route: Json, by_place: Mapping[Taken, list[tuple[str, str]]]) -> tuple[str, ...]:
    """The other routes that take the same requests as a route: of equal ones the older wins."""
    own = name_of(route)
    others = (name for taken in _taken(route) for name in by_place.get(taken, ()) if name != own)
    return tuple("/".join(name) for name in dict.fromkeys(others))


def _taken(route: Json) -> Iterator[Taken]:
    hosts = value(route, "spec", "hostnames")
    for rule in mappings(route, "spec", "rules"):
        for match in mappings(rule, "matches"):
            path = value(match, "path", "value")
            if isinstance(path, str) and not match.get("headers"):
                yield from (
                    (str(host), path) for host in (hosts if isinstance(hosts, list) else ())
                )
