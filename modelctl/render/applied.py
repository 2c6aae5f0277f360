"""What rendered objects say is served: read back from the bytes that are applied.

The typed files say what is wanted; only these say what a cluster, or the local engine, does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from modelctl.repo.layout import is_release

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ROLE_HEADER, _STABLE = "x-model-role", "stable"


def is_route(path: str) -> bool:
    """Whether a generated file is the route of a model."""
    return PurePosixPath(path).name.startswith("httproute-")


@dataclass(frozen=True, slots=True)
class Served:
    """What a route shares out: the weight of each release that it leads to, and who is stable.

    A release that only requests which name it reach has weight 0. `stable` is empty where the
    route calls none so, and None where it does not say what anything is.
    """

    stable: str | None
    weights: Mapping[str, int]


def served(generated: Mapping[str, bytes]) -> Served | None:
    """What the route among some generated files shares out; None without a route."""
    for path, content in generated.items():
        if is_route(path):
            return _served(content)
    return None


@lru_cache(maxsize=1024)  # the states of a long history have few routes
def _served(content: bytes) -> Served:
    try:
        route = yaml.load(content, Loader=_LOADER)  # noqa: S506 - a safe loader
    except yaml.YAMLError:
        return Served(None, {})
    weights: dict[str, int] = {}
    by_role: dict[str, str] = {}
    for rule in _mappings(route, "spec", "rules"):
        for backend in _mappings(rule, "backendRefs"):
            release = str(backend.get("name")).rpartition("-")[2]
            weight = backend.get("weight") if _is_shared(rule) else 0
            if is_release(release) and isinstance(weight, int):
                weights[release] = max(weight, weights.get(release, 0))
                by_role |= dict.fromkeys(_roles(backend), release)
    return Served(by_role.get(_STABLE, "") if by_role else None, weights)


def _roles(backend: Mapping[str, Any]) -> Iterator[str]:
    """What requests to a backend are told that it is."""
    for item in _mappings(backend, "filters"):
        for header in _mappings(item, "requestHeaderModifier", "set"):
            if header.get("name") == _ROLE_HEADER:
                yield str(header.get("value"))


def _is_shared(rule: Mapping[str, Any]) -> bool:
    matches = list(_mappings(rule, "matches"))
    paths = (str(match.get("path")) for match in matches)
    return not any(match.get("headers") for match in matches) and not any(
        "/versions/" in path for path in paths
    )


def _mappings(value: object, *keys: str) -> Iterator[Mapping[str, Any]]:
    """The mappings in the list below `keys`; none where anything is of another shape."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return (
        (item for item in value if isinstance(item, Mapping))
        if isinstance(value, list)
        else iter(())
    )
