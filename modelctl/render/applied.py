"""What is applied, weights above all: read back from rendered objects.

Typed files say what is wanted. What a cluster or a local engine does, the rendered bytes say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from modelctl.repo.documents import parse
from modelctl.repo.layout import Kind, is_release, place


def is_route(path: str) -> bool:
    """Whether a generated file is the route of a model."""
    return PurePosixPath(path).name.startswith("httproute-")


@dataclass(frozen=True, slots=True)
class Applied:
    """What is applied of a model in an environment: which releases run, with which weights.

    `project` is the Argo CD project of its Application, empty where it has none.
    """

    releases: frozenset[str]
    weights: Mapping[str, int]
    project: str


def read(generated: Mapping[str, bytes]) -> Applied:
    """What some generated files of one model in one environment say."""
    return Applied(
        releases=frozenset(place(path).release for path in generated if is_deployment(path)),
        weights=weights(generated) or {},
        project=next((_project(c) for p, c in generated.items() if _is_application(p)), ""),
    )


def is_deployment(path: str) -> bool:
    """Whether a generated file is the Deployment of a release."""
    return PurePosixPath(path).name.startswith("deployment-") and bool(place(path).release)


@lru_cache(maxsize=64)  # a change is asked about the same Deployments several times
def pods(deployment: bytes) -> object:
    """The template that a Deployment makes its pods from: where it changes, they restart."""
    return _value(_loaded(deployment), "spec", "template")


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
    route = _loaded(content)
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


def _is_application(path: str) -> bool:
    return place(path).kind is Kind.APPLICATION


def _project(application: bytes) -> str:
    project = _value(_loaded(application), "spec", "project")
    return project if isinstance(project, str) else ""


def _loaded(content: bytes) -> object:
    """The value of a file; None where it was broken by hand."""
    document, _ = parse("", content)
    return document.value if document else None


def _value(value: object, *keys: str) -> object:
    """What `keys` lead to; None where anything has another shape."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _mappings(value: object, *keys: str) -> Iterator[Mapping[str, Any]]:
    """The mappings in the list that `keys` lead to; none where anything has another shape."""
    items = _value(value, *keys)
    return (
        item for item in (items if isinstance(items, list) else ()) if isinstance(item, Mapping)
    )
