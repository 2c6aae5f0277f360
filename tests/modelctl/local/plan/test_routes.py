"""From an HTTPRoute to routing rules."""

from typing import Any

import pytest

from modelctl.local.plan.fields import Field
from modelctl.local.plan.routes import rules
from modelctl.local.plan.values import Backend, Lane, Match, Mirror, PlanError, RouteRule


def route(**rule: object) -> Field:
    """An HTTPRoute with one rule."""
    return Field({"spec": {"rules": [rule]}}, "route.yaml")


def one(**rule: object) -> RouteRule:
    """The one rule that comes of an HTTPRoute rule with one match."""
    (found,) = rules(route(**rule))
    return found


def header(name: str, value: str) -> dict[str, Any]:
    """A filter that sets one request header."""
    setting = {"set": [{"name": name, "value": value}]}
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": setting}


def test_weighted_backends() -> None:
    """Backends keep their weights, 0 included, and 1 where none is written."""
    found = one(
        backendRefs=[
            {"name": "a", "weight": 90, "filters": [header("X-Model-Role", "stable")]},
            {"name": "b", "weight": 0},
            {"name": "c"},
        ]
    )

    assert (
        Backend("a", 90, (("x-model-role", "stable"),)),
        Backend("b", 0, ()),
        Backend("c", 1, ()),
    ) == found.backends


def test_rule_filter_applies_to_every_backend() -> None:
    """A header that the rule sets reaches each backend, and a backend's own value wins."""
    found = one(
        filters=[header("a", "rule"), header("b", "rule")],
        backendRefs=[{"name": "s", "filters": [header("a", "backend")]}],
    )

    assert (("a", "backend"), ("b", "rule")) == found.backends[0].headers


def test_matches_become_rules() -> None:
    """Each match of a rule is a rule of its own, in order; none at all is every path."""
    path = {"type": "Exact", "value": "/a"}
    headers = [{"name": "X-Model-Release", "value": "r2"}]
    found = list(rules(route(matches=[{"path": path}, {"headers": headers}])))

    assert [
        Match("/a", exact=True, headers=()),
        Match("/", exact=False, headers=(("x-model-release", "r2"),)),
    ] == [rule.match for rule in found]
    assert [Lane.WEIGHTED, Lane.DIRECT] == [rule.lane for rule in found]
    assert Match("/", exact=False, headers=()) == one().match


@pytest.mark.parametrize(
    ("share", "per_million"),
    [
        ({"percent": 10}, 100_000),
        ({}, 1_000_000),
        ({"percent": 0}, 0),
        ({"fraction": {"numerator": 1, "denominator": 3}}, 333_333),
        ({"fraction": {"numerator": 5}}, 50_000),
    ],
)
def test_mirror_share(share: dict[str, Any], per_million: int) -> None:
    """A mirror's share is a percentage, a fraction, or everything when it is not written."""
    mirror = {"backendRef": {"name": "s"}, **share}

    found = one(filters=[{"type": "RequestMirror", "requestMirror": mirror}])

    assert (Mirror("s", per_million),) == found.mirrors


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30.0), ("1m30s", 90.0), ("500ms", 0.5), ("1h", 3600.0), ("0s", 0.0)],
)
def test_timeouts(text: str, seconds: float) -> None:
    """Durations of the Gateway API become seconds; both timeouts are kept."""
    found = one(timeouts={"request": text, "backendRequest": text})

    assert (seconds, seconds) == (found.timeout_s, found.try_timeout_s)


def test_no_timeout() -> None:
    """A timeout that is not written stays open."""
    assert one().timeout_s is None


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"retry": {}}, "retry is set, which `modelctl up` cannot run"),
        ({"sessionPersistence": {}}, "sessionPersistence is set"),
        ({"filters": [{"type": "URLRewrite"}]}, "must be RequestHeaderModifier or RequestMirror"),
        ({"matches": [{"method": "GET"}]}, r"matches\[0\].method is set"),
        ({"matches": [{"queryParams": []}]}, "queryParams is set"),
        ({"matches": [{"path": {"type": "RegularExpression"}}]}, "must be PathPrefix or Exact"),
        ({"matches": [{"path": {"value": "v2"}}]}, "must be an absolute path"),
        ({"matches": [{"path": {"value": "/a?b"}}]}, "must be an absolute path"),
        (
            {"matches": [{"headers": [{"type": "RegularExpression", "name": "a", "value": "b"}]}]},
            "type must be Exact",
        ),
        ({"matches": [{"headers": [{"name": "a b", "value": "c"}]}]}, "must be a header name"),
        ({"backendRefs": [{"name": "a", "kind": "Bucket"}]}, "kind must be Service"),
        ({"backendRefs": [{"name": "a", "weight": -1}]}, "weight must be a whole number"),
        ({"backendRefs": [{"name": "a", "weight": True}]}, "weight must be a whole number"),
        ({"backendRefs": [{"name": "a", "filters": [{"type": "RequestMirror"}]}]}, "must be Req"),
        ({"filters": [header("a", "b\nc")]}, "must be printable ASCII"),
        (
            {"filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": []}}]},
            "add is set",
        ),
        (
            {
                "filters": [
                    {
                        "type": "RequestMirror",
                        "requestMirror": {
                            "backendRef": {"name": "s"},
                            "fraction": {"numerator": 1, "denominator": 0},
                        },
                    }
                ]
            },
            "denominator must be at least 1",
        ),
        ({"timeouts": {"request": "30"}}, "is no duration"),
        ({"timeouts": {"request": "1d"}}, "is no duration"),
    ],
)
def test_refused(rule: dict[str, Any], message: str) -> None:
    """What the engine does not implement, or is malformed, is refused with file and place."""
    with pytest.raises(PlanError, match=message) as caught:
        list(rules(route(**rule)))
    assert str(caught.value).startswith("route.yaml: spec.rules[0]")
