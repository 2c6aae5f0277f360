"""What is applied, weights above all: read back from rendered objects.

Typed files say what is wanted. What a cluster or a local engine does, the rendered bytes say.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelctl.repo.documents import parse
from modelctl.repo.layout import Kind, is_release, place

_Backend = tuple[str, int, tuple[str, ...]]  # a release, its weight, and what it is told to be
_BACKEND = re.compile(
    rb"        - group: \"\"\n          kind: Service\n          name: [a-z0-9-]+-(r[1-9][0-9]*)\n"
    rb"          port: [0-9]+\n          weight: ([0-9]+)\n          filters:\n"
    rb"            - type: RequestHeaderModifier\n              requestHeaderModifier:\n"
    rb"                set:\n                  - name: x-model-role\n"
    rb"                    value: ([a-z]+)\n"
)
# Every rule of a route whose model has no shadow, as template v1 writes it.
_RULES = re.compile(
    rb"(?:    - matches:\n        - path:\n            type: PathPrefix\n"
    rb"            value: [^\n]+\n"
    rb"(?:          headers:\n            - type: Exact\n              name: x-model-release\n"
    rb"              value: r[1-9][0-9]*\n)?      backendRefs:\n(?:"
    + re.sub(rb"\((?!\?)", rb"(?:", _BACKEND.pattern)
    + rb")+      timeouts:\n        request: [^\n]+\n        backendRequest: [^\n]+\n)+"
)
_ROLE_HEADER, _STABLE = "x-model-role", "stable"  # what a route tells a server that it is


def is_route(path: str) -> bool:
    """Whether a generated file is the route of a model."""
    return path.rpartition("/")[2].startswith("httproute-")


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
    return path.rpartition("/")[2].startswith("deployment-") and bool(place(path).release)


@lru_cache(maxsize=64)  # a change is asked about the same Deployments several times
def pods(deployment: bytes) -> object:
    """The template that a Deployment makes its pods from: where it changes, they restart."""
    return _value(_loaded(deployment), "spec", "template")


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
            return served_by(content)
    return None


def weights(generated: Mapping[str, bytes]) -> Mapping[str, int] | None:
    """The weight of each release in the route among some generated files; None without a route."""
    found = served(generated)
    return None if found is None else found.weights


@lru_cache(maxsize=1024)  # a change is asked about the same route several times
def served_by(content: bytes) -> Served:
    """What a route shares out."""
    weights: dict[str, int] = {}
    by_role: dict[str, str] = {}
    for release, weight, roles in _as_rendered(content) or _as_parsed(content):
        weights[release] = max(weight, weights.get(release, 0))
        by_role |= dict.fromkeys(roles, release)
    return Served(by_role.get(_STABLE, "") if by_role else None, weights)


def _as_rendered(content: bytes) -> list[_Backend]:
    """The backends of a route that is in every byte of the rules as the renderer writes them.

    A history has thousands of routes, and this is twenty times as fast as parsing them.
    """
    _, _, rules = content.partition(b"\n  rules:\n")
    if not _RULES.fullmatch(rules):
        return []
    found: list[_Backend] = []
    for rule in rules.split(b"    - matches:\n")[1:]:
        shares = b"\n          headers:\n" not in rule
        found += (
            (release.decode(), int(weight) if shares else 0, (role.decode(),))
            for release, weight, role in _BACKEND.findall(rule)
        )
    return found


def _as_parsed(content: bytes) -> Iterator[_Backend]:
    """The backends of any other route."""
    for rule in _mappings(_loaded(content), "spec", "rules"):
        for backend in _mappings(rule, "backendRefs"):
            release = str(backend.get("name")).rpartition("-")[2]
            weight = backend.get("weight") if _is_shared(rule) else 0
            if is_release(release) and isinstance(weight, int):
                yield release, weight, tuple(_roles(backend))


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
