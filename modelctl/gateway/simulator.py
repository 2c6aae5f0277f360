"""What becomes of a request: the rule that takes it, and which Services share it.

The reference of engine and cluster. Of several rules that take a request the Gateway API's order
decides; of several host names the most specific alone counts, as Envoy has it. Envoy Gateway
differs from that order in two respects, neither of which a rendered route can tell: it counts a
method as one more header, and of two matches with as many headers it prefers more exact ones.

Source: Gateway API v1, HTTPRouteRule.matches and HTTPRouteSpec.hostnames; Envoy, locality weighted
load balancing, whose overprovisioning factor is 1.4.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from modelctl.gateway.values import (
    Answer,
    Backend,
    Comparison,
    HeaderMatch,
    Match,
    Route,
    RouteRule,
)

_OVERPROVISIONING = Fraction(14, 10)  # a locality keeps its share down to 1/1.4 of its endpoints
_ANY_HOST = "*"
_NOT_FOUND, _NO_WEIGHT, _UNAVAILABLE = 404, 500, 503


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the gateway sees it: the path is normal, names of headers are in lower case."""

    host: str
    path: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ready:
    """How many endpoints a Service has, and how many of them are ready."""

    ready: int
    total: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of requests of one kind.

    `shares` is the part that each Service gets, by name, and `failed` the parts that the gateway
    answers with an error, by status; together they are 1. With `answer` it answers all of them
    itself, as the rule says. `rule` is None where none takes the request.
    """

    route: Route | None = None
    rule: RouteRule | None = None
    answer: Answer | None = None
    shares: Mapping[str, Fraction] = field(default_factory=dict)
    failed: Mapping[int, Fraction] = field(default_factory=dict)


def outcome(
    routes: Sequence[Route], request: Request, endpoints: Mapping[str, Ready] | None = None
) -> Outcome:
    """What becomes of a request, given the endpoints of Services.

    A Service that is not in `endpoints` has none. Without `endpoints` all have some and are ready.
    """
    taken = rule_of(routes, request)
    if taken is None:
        return Outcome(failed={_NOT_FOUND: Fraction(1)})
    route, rule = taken
    if rule.answer is not None:
        return Outcome(route, rule, rule.answer)
    if not any(backend.weight for backend in rule.backends):
        return Outcome(route, rule, failed={_NO_WEIGHT: Fraction(1)})
    shares = _shares(rule.backends, endpoints)
    lost = Fraction(1) - sum(shares.values(), Fraction(0))
    return Outcome(route, rule, shares=shares, failed={_UNAVAILABLE: lost} if lost else {})


def rule_of(routes: Sequence[Route], request: Request) -> tuple[Route, RouteRule] | None:
    """The rule that takes a request, with its route."""
    found = [
        (_precedence(match), f"{route.namespace}/{route.name}", index, route, rule)
        for route in _of_host(routes, request.host)
        for index, rule in enumerate(route.rules)
        for match in rule.matches
        if _takes(match, request)
    ]
    if not found:
        return None
    _, _, _, route, rule = min(found, key=lambda each: each[:3])
    return route, rule


def _precedence(match: Match) -> tuple[bool, int, bool, int]:
    """Smaller comes first: exact paths, longer ones, those with a method, with more headers."""
    return not match.exact, -len(match.path), not match.method, -len(match.headers)


def _of_host(routes: Sequence[Route], host: str) -> Iterator[Route]:
    """The routes that have the most specific of all host names that are this host's."""
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    known = {pattern for route in routes for pattern in route.hostnames or (_ANY_HOST,)}
    mine = [pattern for pattern in known if _is_host(pattern.lower(), name.lower())]
    if not mine:
        return
    best = max(mine, key=lambda pattern: ("*" not in pattern, len(pattern)))
    yield from (route for route in routes if best in (route.hostnames or (_ANY_HOST,)))


def _is_host(pattern: str, host: str) -> bool:
    """A wildcard stands for one label or more."""
    if pattern == _ANY_HOST:
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) >= len(pattern)
    return pattern == host


def _takes(match: Match, request: Request) -> bool:
    return (
        match.method in ("", request.method)
        and _takes_path(match, request.path.partition("?")[0])
        and all(_takes_header(header, request.headers) for header in match.headers)
    )


def _takes_path(match: Match, path: str) -> bool:
    """An exact path, or one with the match's elements in front."""
    if match.exact:
        return path == match.path
    prefix = match.path.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/")


def _takes_header(header: HeaderMatch, headers: Mapping[str, str]) -> bool:
    value = headers.get(header.name)
    if value is None:
        return False
    if header.comparison is Comparison.REGEX:
        return re.fullmatch(header.value, value) is not None
    return value == header.value


def _shares(
    backends: Iterable[Backend], endpoints: Mapping[str, Ready] | None
) -> dict[str, Fraction]:
    """The part of all requests that each Service gets; what is left is refused.

    A Service without any endpoint keeps its part, and nobody answers it. So does one without a
    ready endpoint where a backend has filters of its own, which make each backend a cluster. Else
    a rule is one cluster: what its localities cannot take goes to the others.
    """
    weighted = [backend for backend in backends if backend.weight]
    total = sum(backend.weight for backend in weighted)
    apart = any(backend.headers for backend in weighted)
    effective = {
        backend: backend.weight * _availability(backend.service, endpoints, apart=apart)
        for backend in weighted
    }
    lost = sum(
        backend.weight
        for backend in weighted
        if not _count(backend.service, endpoints).total or (apart and not effective[backend])
    )
    living = sum(effective.values())
    shares: dict[str, Fraction] = {}
    for backend, weight in effective.items():
        if weight:
            part = Fraction(total - lost, total) * Fraction(weight) / living
            shares[backend.service] = shares.get(backend.service, Fraction(0)) + part
    return shares


def _availability(service: str, endpoints: Mapping[str, Ready] | None, *, apart: bool) -> Fraction:
    """The part of its weight that a Service keeps."""
    count = _count(service, endpoints)
    if not count.ready:
        return Fraction(0)
    if apart:
        return Fraction(1)
    return min(Fraction(1), _OVERPROVISIONING * Fraction(count.ready, count.total))


def _count(service: str, endpoints: Mapping[str, Ready] | None) -> Ready:
    return Ready(1, 1) if endpoints is None else endpoints.get(service, Ready(0, 0))
