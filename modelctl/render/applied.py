"""Which weights are applied: read back from rendered objects.

Typed files say what is wanted. What a cluster or a local engine does, the rendered bytes say.
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

    Only the rule that shares traffic by weight counts. One that is reached by a header, or by the
    path of a release, leads to a single release whatever its weight.
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
    """The mappings in the list that `keys` lead to; none where anything has another shape."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return (
        (item for item in value if isinstance(item, Mapping))
        if isinstance(value, list)
        else iter(())
    )
