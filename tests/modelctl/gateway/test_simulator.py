"""What becomes of a request, against an oracle that knows the specification alone."""

import re
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelctl.gateway.simulator import Ready, Request, outcome, rule_of
from modelctl.gateway.values import (
    Answer,
    Backend,
    Comparison,
    HeaderMatch,
    Match,
    Route,
    RouteRule,
)

PATHS = st.sampled_from(["/", "/a", "/a/b", "/a/b/c", "/ab", "/a/", "/b"])
HEADERS = st.builds(
    HeaderMatch,
    st.sampled_from(["x", "y", "z"]),
    st.sampled_from(["1", "2", ".+"]),
    st.sampled_from(list(Comparison)),
)
MATCHES = st.builds(
    Match,
    PATHS,
    st.booleans(),
    st.lists(HEADERS, max_size=3, unique_by=lambda header: header.name).map(tuple),
    st.sampled_from(["", "", "GET"]),
)
RULES = st.builds(RouteRule, st.just("rule"), st.lists(MATCHES, min_size=1, max_size=3).map(tuple))
HOSTS = st.sampled_from(["a.example.com", "b.example.com", "*.example.com", "*.com"])
ROUTES = st.builds(
    Route,
    st.sampled_from(["n", "n-o"]),  # which of them is first, the slash after it decides
    st.sampled_from(["p", "q", "r"]),
    st.lists(HOSTS, max_size=2, unique=True).map(tuple),
    st.lists(RULES, min_size=1, max_size=4).map(tuple),
)
REQUESTS = st.builds(
    Request,
    st.sampled_from(["a.example.com", "A.EXAMPLE.com:80", "c.example.com", "example.com", "d.org"]),
    st.sampled_from(["/", "/a", "/a/b", "/a/b/c", "/abc", "/a/b?c=d", "/b/"]),
    st.sampled_from(["GET", "POST"]),
    st.dictionaries(st.sampled_from(["x", "y", "z"]), st.sampled_from(["1", "2", "3"])),
)


def elements(path: str) -> list[str]:
    """The elements of a path."""
    return [part for part in path.split("/") if part]


def is_taken(match: Match, request: Request) -> bool:
    """Whether a match takes a request, element by element."""
    path = request.path.split("?")[0]
    if match.method and match.method != request.method:
        return False
    wanted = elements(match.path)
    of_path = path == match.path if match.exact else path.split("/")[1 : len(wanted) + 1] == wanted
    return of_path and all(
        header.name in request.headers
        and (
            bool(re.compile(f"^(?:{header.value})$").search(request.headers[header.name]))
            if header.comparison is Comparison.REGEX
            else header.value == request.headers[header.name]
        )
        for header in match.headers
    )


def specificity(pattern: str, host: str) -> int | None:
    """How specific a host name is for a host; None where it is none of its."""
    host = host.lower().split(":")[0]
    if pattern == host:
        return 1000
    if pattern.startswith("*.") and host.endswith(pattern[1:]):
        return len(pattern)
    return None


def expected(routes: Sequence[Route], request: Request) -> RouteRule | None:
    """The rule that the specification's sentences leave, one after the other."""
    hosts = [
        found
        for route in routes
        for pattern in route.hostnames or ("",)
        if (found := specificity(pattern, request.host) if pattern else 0) is not None
    ]
    left = [
        (route, index, rule, match)
        for route in routes
        if any(
            (specificity(pattern, request.host) if pattern else 0) == max(hosts, default=-1)
            for pattern in route.hostnames or ("",)
        )
        for index, rule in enumerate(route.rules)
        for match in rule.matches
        if is_taken(match, request)
    ]
    # "Exact" path match, then "Prefix" with the largest number of characters, then method,
    # then the largest number of header matches.
    for sentence in (
        lambda each: each[3].exact,
        lambda each: len(each[3].path),
        lambda each: each[3].method != "",
        lambda each: len(each[3].headers),
    ):
        most = max(map(sentence, left), default=None)
        left = [each for each in left if sentence(each) == most]
    # The route that is first in alphabetical order by namespace and name, then the first rule.
    first = min((f"{each[0].namespace}/{each[0].name}" for each in left), default="")
    left = [each for each in left if f"{each[0].namespace}/{each[0].name}" == first]
    return min(left, key=lambda each: each[1])[2] if left else None


@settings(max_examples=500, deadline=None)
@given(
    routes=st.lists(ROUTES, max_size=3, unique_by=lambda route: (route.namespace, route.name)),
    request_=REQUESTS,
)
def test_the_rule_is_the_one_of_the_specification(routes: list[Route], request_: Request) -> None:
    """Of all rules that take a request the specification's order leaves the one that is found."""
    found = rule_of(routes, request_)

    assert expected(routes, request_) == (found[1] if found else None)


def served(*backends: Backend, headers: bool = False) -> list[Route]:
    """A route that shares between backends."""
    own = tuple(
        Backend(each.service, each.port, each.weight, (("x", each.service),)) if headers else each
        for each in backends
    )
    return [Route("n", "m", (), (RouteRule("shared", (Match("/"),), own),))]


REQUEST = Request("m.example.com", "/")
R1, R2 = Backend("r1", 80, 90), Backend("r2", 80, 10)


def test_shares_are_the_weights() -> None:
    """While all is ready, each Service has its weight's part."""
    assert {"r1": Fraction(9, 10), "r2": Fraction(1, 10)} == outcome(served(R1, R2), REQUEST).shares


@pytest.mark.parametrize(
    ("ready", "shares"),
    [
        (Ready(0, 3), {"r1": Fraction(1)}),
        (Ready(3, 4), {"r1": Fraction(9, 10), "r2": Fraction(1, 10)}),
        (Ready(1, 4), {"r1": Fraction(90, 90 + Fraction(7, 2)), "r2": Fraction(7, 187)}),
    ],
)
def test_the_share_of_what_is_not_ready_goes_to_the_ready(
    ready: Ready, shares: dict[str, Fraction]
) -> None:
    """A release keeps its share down to 1/1.4 of its endpoints; without a ready one it has none."""
    found = outcome(served(R1, R2), REQUEST, {"r1": Ready(2, 2), "r2": ready})

    assert shares == found.shares
    assert {} == found.failed


def test_a_service_without_endpoints_loses_its_share() -> None:
    """Nobody takes the share of a Service that has no endpoint at all."""
    found = outcome(served(R1, R2), REQUEST, {"r1": Ready(1, 2)})

    assert ({"r1": Fraction(9, 10)}, {503: Fraction(1, 10)}) == (found.shares, found.failed)


def test_nothing_ready() -> None:
    """Where nothing is ready everything is refused."""
    found = outcome(served(R1, R2), REQUEST, {"r1": Ready(0, 1), "r2": Ready(0, 1)})

    assert ({}, {503: Fraction(1)}) == (found.shares, found.failed)


def test_backends_with_filters_keep_their_shares() -> None:
    """Where each backend is a cluster, the share of one that is not ready is refused."""
    found = outcome(served(R1, R2, headers=True), REQUEST, {"r1": Ready(1, 4), "r2": Ready(0, 1)})

    assert ({"r1": Fraction(9, 10)}, {503: Fraction(1, 10)}) == (found.shares, found.failed)


def test_no_weight_at_all() -> None:
    """A rule without any weight answers 500, as the specification says."""
    assert {500: Fraction(1)} == outcome(served(Backend("r1", 80, 0)), REQUEST).failed


def test_no_rule() -> None:
    """A request that no rule takes is not found."""
    assert (None, {404: Fraction(1)}) == (
        outcome([], REQUEST).rule,
        outcome([], REQUEST).failed,
    )


def test_an_answer_of_the_gateway() -> None:
    """A rule that answers sends nothing on."""
    answer = Answer(404, "no")
    routes = [Route("n", "m", (), (RouteRule("no", (Match("/"),), answer=answer),))]

    found = outcome(routes, REQUEST)

    assert (answer, {}, {}) == (found.answer, found.shares, found.failed)


COUNTS = st.integers(0, 5).flatmap(
    lambda total: st.builds(Ready, st.integers(0, total), st.just(total))
)


@given(
    weights=st.lists(st.integers(0, 100), min_size=1, max_size=5),
    counts=st.lists(COUNTS, min_size=5, max_size=5),
    apart=st.booleans(),
)
def test_every_request_becomes_something(
    weights: list[int], counts: list[Ready], *, apart: bool
) -> None:
    """Shares and refusals together are all requests, and only the ready get any."""
    backends = [Backend(f"r{n}", 80, weight) for n, weight in enumerate(weights)]
    endpoints = {f"r{n}": count for n, count in enumerate(counts)}

    found = outcome(served(*backends, headers=apart), REQUEST, endpoints)

    assert 1 == sum(found.shares.values()) + sum(found.failed.values())
    assert all(endpoints[service].ready for service in found.shares)
