"""What rendered objects say is served: read back from the bytes that are applied.

The typed files say what is wanted; only these say what a cluster, or the local engine, does.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from modelctl.repo.layout import is_release

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def is_route(path: str) -> bool:
    """Whether a generated file is the route of a model."""
    return PurePosixPath(path).name.startswith("httproute-")


def weights(generated: Mapping[str, bytes]) -> dict[str, int] | None:
    """The weight of each release in the route among some generated files; None without a route.

    Rules that a header or a path of its own leads to reach one release and share nothing.
    """
    for path, content in generated.items():
        if is_route(path):
            return _weights(content)
    return None


def _weights(content: bytes) -> dict[str, int]:
    try:
        route = yaml.load(content, Loader=_LOADER)  # noqa: S506 - a safe loader
    except yaml.YAMLError:
        return {}
    shared = [rule for rule in _mappings(route, "spec", "rules") if _is_shared(rule)]
    backends = _mappings(shared[-1], "backendRefs") if shared else ()
    named = ((str(each.get("name")).rpartition("-")[2], each.get("weight")) for each in backends)
    return {name: weight for name, weight in named if is_release(name) and isinstance(weight, int)}


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
