"""Which weights a route shares out, and who is stable: read back from rendered bytes.

Template v1 tells a server by a header of each backend what it is; v2 labels the route with its
stable release. A history has thousands of routes, and reading one that is in every byte as the
renderer writes it is twenty times as fast as parsing it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelctl.render.loose import loaded, mappings, value
from modelctl.repo.layout import is_release, place

_Backend = tuple[str, int, tuple[str, ...]]  # a release, its weight, and what it is told to be

_ROLE_HEADER, _STABLE = "x-model-role", "stable"  # what a route of v1 tells a server that it is
_VERSION = "app.kubernetes.io/version"  # the stable release, as a route of v2 says

_SERVICE = (
    rb"        - group: \"\"\n          kind: Service\n          name: [a-z0-9-]+-(r[1-9][0-9]*)\n"
    rb"          port: [0-9]+\n          weight: ([0-9]+)\n"
)
_TIMEOUTS = rb"      timeouts:\n        request: [^\n]+\n        backendRequest: [^\n]+\n"
_BACKEND = re.compile(
    _SERVICE + rb"          filters:\n"
    rb"            - type: RequestHeaderModifier\n              requestHeaderModifier:\n"
    rb"                set:\n                  - name: x-model-role\n"
    rb"                    value: ([a-z]+)\n"
)


def _uncounted(pattern: bytes) -> bytes:
    """A pattern without the groups that it gives."""
    return re.sub(rb"\((?!\?)", rb"(?:", pattern)


# Every rule of a route whose model has no shadow, as template v1 writes it.
_RULES = re.compile(
    rb"(?:    - matches:\n        - path:\n            type: PathPrefix\n"
    rb"            value: [^\n]+\n"
    rb"(?:          headers:\n            - type: Exact\n              name: x-model-release\n"
    rb"              value: r[1-9][0-9]*\n)?      backendRefs:\n(?:"
    + _uncounted(_BACKEND.pattern)
    + rb")+"
    + _TIMEOUTS
    + rb")+"
)
_BACKEND_V2 = re.compile(_SERVICE)
_MATCHES_V2 = (
    rb"      matches:\n(?:        - path:\n            type: PathPrefix\n"
    rb"            value: [^\n]+\n"
    rb"(?:          headers:\n(?:            - type: (?:Exact|RegularExpression)\n"
    rb"              name: [^\n]+\n              value: [^\n]+\n)+)?)+"
)
_ROLE_V2 = (
    rb"      filters:\n        - type: RequestHeaderModifier\n          requestHeaderModifier:\n"
    rb"            set:\n              - name: x-model-role\n                value: "
)
# Every rule of a route as template v2 writes it: the shared one, those of releases, the refusal.
_RULES_V2 = re.compile(
    rb"(?:    - name: shared\n" + _MATCHES_V2 + _ROLE_V2 + rb"shared\n"
    rb"(?:        - type: RequestMirror\n          requestMirror:\n            backendRef:\n"
    rb"              group: \"\"\n              kind: Service\n              name: [^\n]+\n"
    rb"              port: [0-9]+\n            percent: [0-9]+\n)?      backendRefs:\n(?:"
    + _uncounted(_SERVICE) + rb")+" + _TIMEOUTS + rb")?"
    rb"(?:    - name: r[1-9][0-9]*\n" + _MATCHES_V2 + _ROLE_V2 + rb"direct\n      backendRefs:\n"
    + _uncounted(_SERVICE) + _TIMEOUTS + rb")+"
    rb"    - name: unknown-release\n" + _MATCHES_V2 + rb"      filters:\n"
    rb"        - type: ExtensionRef\n          extensionRef:\n            group: [^\n]+\n"
    rb"            kind: HTTPRouteFilter\n            name: [^\n]+\n"
)  # fmt: skip
_STABLE_V2 = re.compile(
    rb"\nmetadata:\n  name: [^\n]+\n  namespace: [^\n]+\n  labels:\n(?:    [a-z./-]+: [^\n]+\n)*"
    rb"    app\.kubernetes\.io/version: (r[1-9][0-9]*)\nspec:\n"
)


@dataclass(frozen=True, slots=True)
class Served:
    """What a route shares out: the weight of each release that it leads to, and who is stable.

    A release that only requests which name it reach has weight 0. `stable` is empty where the
    route calls none so, and None where it does not say what anything is.
    """

    stable: str | None
    weights: Mapping[str, int]


def is_route(path: str) -> bool:
    """Whether a generated file is the route of a model, the one that its path leads to."""
    name = path.rpartition("/")[2]
    return name.startswith("httproute-") and name != f"httproute-{place(path).model}-grpc.yaml"


def served(generated: Mapping[str, bytes]) -> Served | None:
    """What the route among some generated files shares out; None without a route."""
    for path, content in generated.items():
        if is_route(path):
            return served_by(content)
    return None


@lru_cache(maxsize=1024)  # a change is asked about the same route several times
def served_by(content: bytes) -> Served:
    """What a route shares out."""
    return _as_rendered(content) or _as_parsed(content)


def _as_rendered(content: bytes) -> Served | None:
    """What a route shares out that is in every byte as a template writes it."""
    head, _, rules = content.partition(b"\n  rules:\n")
    if _RULES.fullmatch(rules):
        return _told(_quickly(rules))
    stable = _STABLE_V2.search(head + b"\n")
    if stable is None or not _RULES_V2.fullmatch(rules):
        return None
    return Served(stable[1].decode(), _most(_quickly_v2(rules)))


def _quickly(rules: bytes) -> Iterator[_Backend]:
    for rule in rules.split(b"    - matches:\n")[1:]:
        shares = b"\n          headers:\n" not in rule
        for release, weight, role in _BACKEND.findall(rule):
            yield release.decode(), int(weight) if shares else 0, (role.decode(),)


def _quickly_v2(rules: bytes) -> Iterator[_Backend]:
    for rule in (b"\n" + rules).split(b"\n    - name: ")[1:]:
        is_shared = rule.startswith(b"shared\n")
        for release, weight in _BACKEND_V2.findall(rule):
            yield release.decode(), int(weight) if is_shared else 0, ()


def _as_parsed(content: bytes) -> Served:
    """What any other route shares out."""
    route = loaded(content)
    found = _told(_backends(route))
    stable = value(route, "metadata", "labels", _VERSION)
    if found.stable is None and isinstance(stable, str):
        return Served(stable, found.weights)
    return found


def _told(backends: Iterator[_Backend]) -> Served:
    """What backends share out that are told what they are."""
    backends_seen = list(backends)
    by_role = {role: release for release, _, roles in backends_seen for role in roles}
    return Served(by_role.get(_STABLE, "") if by_role else None, _most(backends_seen))


def _most(backends: "Iterator[_Backend] | list[_Backend]") -> dict[str, int]:
    weights: dict[str, int] = {}
    for release, weight, _ in backends:
        weights[release] = max(weight, weights.get(release, 0))
    return weights


def _backends(route: object) -> Iterator[_Backend]:
    for rule in mappings(route, "spec", "rules"):
        for backend in mappings(rule, "backendRefs"):
            release = str(backend.get("name")).rpartition("-")[2]
            weight = backend.get("weight") if _is_shared(rule) else 0
            if is_release(release) and isinstance(weight, int):
                yield release, weight, tuple(_roles(backend))


def _roles(backend: Mapping[str, Any]) -> Iterator[str]:
    """What requests to a backend are told that it is."""
    for item in mappings(backend, "filters"):
        for header in mappings(item, "requestHeaderModifier", "set"):
            if header.get("name") == _ROLE_HEADER:
                yield str(header.get("value"))


def _is_shared(rule: Mapping[str, Any]) -> bool:
    """Whether a rule takes requests that name no release."""
    matches = list(mappings(rule, "matches"))
    return not matches or any(
        not match.get("headers") and "/versions/" not in str(match.get("path")) for match in matches
    )
