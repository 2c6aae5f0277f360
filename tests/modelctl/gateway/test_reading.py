"""From rendered objects to routes and policies."""

from pathlib import Path
from typing import Any

import pytest

from modelctl.gateway.fields import ObjectError, parse
from modelctl.gateway.policies import traffic_policy
from modelctl.gateway.reading import read
from modelctl.gateway.values import (
    Answer,
    Backend,
    CircuitBreaker,
    Comparison,
    HeaderMatch,
    Match,
    Mirror,
    Override,
    RouteRule,
)
from tests.modelctl.gateway.objects import (
    CLIENT_POLICY,
    FILTER,
    GATEWAY_POLICY,
    MODEL_POLICY,
    ROUTE,
    field,
    loaded,
    reading,
)

ROOT = Path(__file__).parents[3]


def rules() -> dict[str, RouteRule]:
    """The rules of the route, by name."""
    (route,) = reading(ROUTE, FILTER).routes
    return {rule.name: rule for rule in route.rules}


def test_a_route_keeps_its_name_and_hosts() -> None:
    """A route has namespace, name, hosts, and rules in the order of the object."""
    (route,) = reading(ROUTE, FILTER).routes

    assert ("models-growth", "churn", ("models.localhost",)) == (
        route.namespace,
        route.name,
        route.hostnames,
    )
    assert ["r1", "unknown-release", "shared"] == [rule.name for rule in route.rules]


def test_a_rule_of_a_release() -> None:
    """A rule has all its matches, sets its headers, and has both timeouts."""
    expected = RouteRule(
        name="r1",
        matches=(
            Match("/v2/models/churn/versions/r1"),
            Match("/v2/models/churn", headers=(HeaderMatch("x-model-release", "r1"),)),
        ),
        backends=(Backend("churn-r1", 80, 1),),
        headers=(("x-model-role", "direct"),),
        timeout_s=30.0,
        try_timeout_s=20.0,
    )

    assert expected == rules()["r1"]


def test_a_rule_that_the_gateway_answers() -> None:
    """A filter that a rule names becomes the answer of the rule."""
    rule = rules()["unknown-release"]

    assert Answer(404, '{"error":"no"}') == rule.answer
    assert (HeaderMatch("x-model-release", ".+", Comparison.REGEX),) == rule.matches[0].headers
    assert () == rule.backends


def test_a_rule_that_shares_and_copies() -> None:
    """Weights, the port of the copies and their share, and the method are read."""
    rule = rules()["shared"]

    assert (Backend("churn-r1", 80, 90), Backend("churn-r2", 80, 10)) == rule.backends
    assert (Mirror("churn-r3", 82, 200_000),) == rule.mirrors
    assert (Match("/v2/models/churn", method="POST"),) == rule.matches
    assert (rule.timeout_s, rule.try_timeout_s) == (None, None)


def test_headers_of_a_backend_alone() -> None:
    """A filter of a backend sets headers on the way there, as a former template had it."""
    route = loaded(ROUTE)
    filters = route["spec"]["rules"][0]["filters"]
    route["spec"]["rules"][0]["backendRefs"][0]["filters"] = filters

    rule = reading(route, FILTER).routes[0].rules[0]

    assert (("x-model-role", "direct"),) == rule.backends[0].headers


def test_a_rule_without_matches() -> None:
    """A rule without matches takes every path."""
    route = loaded(ROUTE)
    del route["spec"]["rules"][0]["matches"]

    assert (Match("/"),) == reading(route, FILTER).routes[0].rules[0].matches


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [({"numerator": 1, "denominator": 1000}, 1000), ({"numerator": 7}, 70_000), (None, 1_000_000)],
)
def test_share_of_copies(fraction: dict[str, int] | None, expected: int) -> None:
    """The share of copies is a fraction, a percentage, or all."""
    route = loaded(ROUTE)
    mirror = route["spec"]["rules"][2]["filters"][1]["requestMirror"]
    del mirror["percent"]
    if fraction:
        mirror["fraction"] = fraction

    assert expected == reading(route, FILTER).routes[0].rules[2].mirrors[0].per_million


def test_a_policy_of_a_model() -> None:
    """A policy says which routes it is for and whether it is merged."""
    (policy,) = reading(MODEL_POLICY).policies

    assert (("HTTPRoute", "churn"), ("HTTPRoute", "churn-grpc")) == policy.targets
    assert ("models-growth", True) == (policy.namespace, policy.merges)


def test_what_callers_may_send() -> None:
    """A policy for clients is read; a header's name is in lower case, a size in bytes."""
    (clients,) = reading(CLIENT_POLICY).clients

    assert ("PreserveOrGenerate", "RejectRequest", ("x-model-role",)) == (
        clients.request_id,
        clients.underscores,
        clients.removed_headers,
    )
    assert (1 << 20, 20_000, 10.0, 120.0, 300.0) == (
        clients.buffer_limit_bytes,
        clients.connection_limit,
        clients.headers_timeout_s,
        clients.request_timeout_s,
        clients.idle_timeout_s,
    )
    assert (128, 1 << 20, None, None) == (
        clients.max_concurrent_streams,
        clients.initial_stream_window_bytes,
        clients.initial_connection_window_bytes,
        clients.stream_idle_timeout_s,
    )


def place(item: dict[str, Any], at: str) -> tuple[Any, str | int]:
    """The mapping or list above a place such as `spec/rules/0/name`, and the last key."""
    *above, last = [int(part) if part.isdecimal() else part for part in at.split("/")]
    value: Any = item
    for part in above:
        value = value[part]
    return value, last


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (ROUTE, "spec/useDefaultGateways"),
        (ROUTE, "status"),
        (ROUTE, "spec/parentRefs/0/port"),
        (ROUTE, "spec/rules/0/retry"),
        (ROUTE, "spec/rules/0/sessionPersistence"),
        (ROUTE, "spec/rules/0/matches/0/queryParams"),
        (ROUTE, "spec/rules/0/matches/0/path/extra"),
        (ROUTE, "spec/rules/0/matches/1/headers/0/invert"),
        (ROUTE, "spec/rules/0/filters/0/urlRewrite"),
        (ROUTE, "spec/rules/0/filters/0/requestHeaderModifier/add"),
        (ROUTE, "spec/rules/0/filters/0/requestHeaderModifier/remove"),
        (ROUTE, "spec/rules/0/backendRefs/0/namespace"),
        (ROUTE, "spec/rules/0/timeouts/idle"),
        (ROUTE, "spec/rules/2/filters/1/requestMirror/extra"),
        (FILTER, "spec/urlRewrite"),
        (FILTER, "spec/directResponse/body/valueRef"),
        (FILTER, "spec/directResponse/header"),
        (GATEWAY_POLICY, "spec/faultInjection"),
        (GATEWAY_POLICY, "spec/retry/retryOn/httpStatusCodes"),
        (GATEWAY_POLICY, "spec/retry/perRetry/backOff/jitter"),
        (GATEWAY_POLICY, "spec/timeout/http/maxConnectionDuration"),
        (GATEWAY_POLICY, "spec/timeout/tcp/keepalive"),
        (GATEWAY_POLICY, "spec/circuitBreaker/perEndpoint"),
        (GATEWAY_POLICY, "spec/circuitBreaker/retryBudget/percent/extra"),
        (GATEWAY_POLICY, "spec/healthCheck/passive/failurePercentageThreshold"),
        (GATEWAY_POLICY, "spec/loadBalancer/slowStart"),
        (GATEWAY_POLICY, "spec/connection/socketBufferLimit"),
        (GATEWAY_POLICY, "spec/responseOverride/0/redirect"),
        (GATEWAY_POLICY, "spec/responseOverride/0/match/responseHeaders"),
        (GATEWAY_POLICY, "spec/responseOverride/0/response/statusCode"),
        (CLIENT_POLICY, "spec/http1"),
        (CLIENT_POLICY, "spec/headers/lateResponseHeaders"),
        (CLIENT_POLICY, "spec/connection/connectionLimit/closeDelay"),
        (CLIENT_POLICY, "spec/timeout/http/extra"),
        (CLIENT_POLICY, "spec/tls/ciphers"),
    ],
)
def test_unknown_field(text: str, at: str) -> None:
    """A field that is not known is refused with its file and place, wherever it stands."""
    item = loaded(text)
    above, last = place(item, at)
    above[last] = {"unknown": 1}
    others = [FILTER] if text is ROUTE else []

    with pytest.raises(ObjectError, match=r"is not known here|must be") as caught:
        reading(item, *others)

    where = at.replace("/", ".").replace(".0", "[0]").replace(".1", "[1]").replace(".2", "[2]")
    assert f"{item['kind'].lower()}.yaml: {where}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "at", "value", "message"),
    [
        (ROUTE, "spec/rules/0/matches/0/path/type", "RegularExpression", "PathPrefix or Exact"),
        (ROUTE, "spec/rules/0/matches/0/path/value", "v2", "an absolute path"),
        (ROUTE, "spec/rules/0/matches/0/path/value", "/a b", "an absolute path"),
        (ROUTE, "spec/rules/0/matches/1/headers/0/name", "a b", "a header name"),
        (ROUTE, "spec/rules/0/matches/1/headers/0/value", "a\nb", "printable ASCII"),
        (ROUTE, "spec/rules/1/matches/0/headers/0/value", "(", "a regular expression"),
        (ROUTE, "spec/rules/2/matches/0/method", "post", "a method such as GET"),
        (ROUTE, "spec/rules/0/backendRefs/0/kind", "ServiceImport", "must be Service"),
        (ROUTE, "spec/rules/0/backendRefs/0/weight", -1, "a whole number of at least 0"),
        (ROUTE, "spec/rules/0/timeouts/request", "30", "a duration such as 1m30s"),
        (ROUTE, "spec/rules/0/filters/0/type", "URLRewrite", "must be RequestHeaderModifier or"),
        (ROUTE, "spec/rules/1/filters/0/extensionRef/name", "none", "an HTTPRouteFilter that is"),
        (ROUTE, "spec/rules/1/backendRefs", [{"name": "a", "port": 80}], "absent where the"),
        (FILTER, "spec/directResponse/statusCode", 99, "an HTTP status"),
        (FILTER, "spec/directResponse/body/inline", "%PROTOCOL%", "a text without %"),
        (GATEWAY_POLICY, "spec/retry/retryOn/triggers/0", "http-status", "must be 5xx or"),
        (GATEWAY_POLICY, "spec/loadBalancer/type", "ConsistentHash", "LeastRequest or"),
        (GATEWAY_POLICY, "spec/connection/bufferLimit", "much", "a quantity such as 1Mi"),
        (GATEWAY_POLICY, "spec/responseOverride/0/source", "All", "must be Local"),
        (GATEWAY_POLICY, "spec/mergeType", "JSONMerge", "must be StrategicMerge"),
        (GATEWAY_POLICY, "spec/targetRefs", [], "a list of what the policy is for"),
        (GATEWAY_POLICY, "spec/targetRefs/0/kind", "GRPCRoute", "Gateway or HTTPRoute"),
        (CLIENT_POLICY, "spec/headers/withUnderscoresAction", "Maybe", "must be Allow or"),
    ],
)
def test_malformed_field(text: str, at: str, value: object, message: str) -> None:
    """A value that is not known, or of the wrong kind, is refused with what is expected."""
    item = loaded(text)
    above, last = place(item, at)
    above[last] = value
    others = [FILTER] if text is ROUTE else []

    with pytest.raises(ObjectError, match=message):
        reading(item, *others)


def test_an_unknown_kind_of_the_gateway() -> None:
    """An object of the gateway's APIs that is not known is refused, never passed over."""
    item = {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyPatchPolicy"}

    with pytest.raises(ObjectError, match="EnvoyPatchPolicy is a kind that is not known here"):
        reading(item)


def test_other_objects_are_passed_over() -> None:
    """What says nothing to a gateway, or only how its pods run, is no route and no policy."""
    proxy = {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyProxy", "spec": {"x": 1}}
    found = reading({"apiVersion": "apps/v1", "kind": "Deployment"}, proxy)

    assert ((), (), ()) == (found.routes, found.policies, found.clients)


def test_an_override_for_each_status() -> None:
    """What answers several statuses keeps each of them."""
    item = loaded(GATEWAY_POLICY)
    codes = item["spec"]["responseOverride"][0]["match"]["statusCodes"]
    codes.append({"value": 504})
    spec = reading(item).policies[0].spec

    policy = traffic_policy(field({**item, "spec": spec}).get("spec"))

    headers = (("retry-after", "1"),)
    assert (
        Override((503,), Answer(503, '{"error":"busy"}', headers=headers)),
        Override((504,), Answer(504, '{"error":"busy"}', headers=headers)),
    ) == policy.overrides
    assert CircuitBreaker(4096, 4096, 4096, 64, 20.0, 3) == policy.circuit_breaker


@pytest.mark.parametrize("folder", sorted(ROOT.glob("apps/*/rendered/*")), ids=str)
def test_what_is_rendered_here_is_read(folder: Path) -> None:
    """The route of every model of this repository is read, whatever its template."""
    fields = [parse(str(path), path.read_bytes()) for path in sorted(folder.glob("*.yaml"))]

    assert folder.parents[1].name in [route.name for route in read(fields).routes]
