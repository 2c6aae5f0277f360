"""Envoy's resources, made from route rules and endpoints, as plain JSON values.

Of several rules that take a request the Gateway API's order decides: an exact path first, then
longer prefixes, then more header matches, then the order of the route. Requests for any host name
are answered: on one machine the listener is the gateway, whatever a client calls it.

Source: Envoy v3 API; Gateway API v1, HTTPRouteRule precedence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelctl.local.envoy import grpc
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Backend, Lane, RouteRule

Json = dict[str, Any]

_TYPE = "type.googleapis.com/envoy."  # begins the name of every type in Envoy's API
ROUTES = "models"  # names the listener, its route configuration and its statistics
# Begins the name of every file with the endpoints of a cluster.
ENDPOINTS = "endpoints-"
# A model server may close an idle connection after 5 s, uvicorn's default; Envoy closes it
# sooner, so that no request is sent on a connection that is about to end.
_UPSTREAM_IDLE = "3s"
_NO_LIMIT = 1_000_000  # connections or requests; Envoy's defaults would refuse a burst
# What Envoy answers where it sends a request to no server.
_STARTING = "model {model} is starting: no release of it is ready yet"
_NO_WEIGHT = "every backend of this route has weight 0"
_UNKNOWN = "no model is served at this path; models answer below /v2/models/<model>"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All dynamic resources of Envoy: clusters, their endpoints by cluster, and the routes."""

    clusters: tuple[Json, ...]
    endpoints: Mapping[str, Json]
    routes: Json


def cluster_name(service: str, lane: Lane) -> str:
    """The Envoy cluster of a Service in a lane; `~` is in no Kubernetes name."""
    return f"{service}~{lane}"


def config_source(folder: Path, name: str) -> Json:
    """Where Envoy reads a resource: `<folder>/<name>.json`, again after every rename onto it."""
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": str(folder / f"{name}.json")},
        "initial_fetch_timeout": "2s",
    }


def snapshot(
    folder: Path, services: Iterable[Endpoints], published: Mapping[str, tuple[RouteRule, ...]]
) -> Snapshot:
    """The resources for these Services and the published rules of each model.

    A model with no rules has nothing ready yet: its path answers 503 with the reason. `folder` is
    where Envoy finds the endpoints of each cluster.
    """
    ordered = sorted(services, key=lambda endpoints: endpoints.service)
    return Snapshot(
        clusters=tuple(_cluster(folder, item, lane) for item in ordered for lane in Lane),
        endpoints={
            name: _assignment(name, item.hosts)
            for item in ordered
            for lane in Lane
            for name in (cluster_name(item.service, lane),)
        },
        routes=_route_configuration(published),
    )


def _cluster(folder: Path, endpoints: Endpoints, lane: Lane) -> Json:
    name = cluster_name(endpoints.service, lane)
    protocol = _TYPE + "extensions.upstreams.http.v3.HttpProtocolOptions"
    limits = {
        "max_connections": _NO_LIMIT,
        "max_pending_requests": _NO_LIMIT,
        "max_requests": _NO_LIMIT,
        "max_retries": _NO_LIMIT,
    }
    return {
        "@type": _TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": config_source(folder, ENDPOINTS + name)},
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        # No endpoint in health means 503 at once, as from a Service without endpoints; sending
        # to endpoints known to be dead would only make the answer slower.
        # Workers learn of health at once; by default Envoy tells them up to a second later.
        "common_lb_config": {
            "healthy_panic_threshold": {"value": 0},
            "update_merge_window": "0s",
        },
        # An endpoint that the engine removes is gone, even while its health checks still pass.
        "ignore_health_on_host_removal": True,
        "circuit_breakers": {"thresholds": [limits]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": protocol,
                "common_http_protocol_options": {"idle_timeout": _UPSTREAM_IDLE},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }


def _assignment(name: str, hosts: Iterable[Host]) -> Json:
    return {
        "@type": _TYPE + "config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": name,
        "endpoints": [{"lb_endpoints": [_endpoint(host) for host in hosts]}],
    }


def _endpoint(host: Host) -> Json:
    return {
        "health_status": "HEALTHY" if host.ready else "DRAINING",
        "endpoint": {"address": socket_address(host.port)},
    }


def socket_address(port: int) -> Json:
    """A TCP port of the loopback interface."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _route_configuration(published: Mapping[str, tuple[RouteRule, ...]]) -> Json:
    named = ((model, rule) for model, rules in published.items() for rule in rules)
    rules = sorted(named, key=lambda item: _precedence(item[1]))
    starting = sorted(model for model, rules in published.items() if not rules)
    routes = [
        *(_route(_match(rule), rule) for _, rule in rules),
        *(_route(match, rule) for model, rule in rules for match in grpc.matches(model, rule)),
        *(
            _answer(match, 503, model=model)
            for model in starting
            for match in ({"path_separated_prefix": f"/v2/models/{model}"}, *grpc.starting(model))
        ),
        grpc.unnamed(),
        _answer({"prefix": "/"}, 404),
    ]
    return {
        "@type": _TYPE + "config.route.v3.RouteConfiguration",
        "name": ROUTES,
        "virtual_hosts": [{"name": ROUTES, "domains": ["*"], "routes": routes}],
    }


def _precedence(rule: RouteRule) -> tuple[bool, int, int]:
    return not rule.match.exact, -len(rule.match.path), -len(rule.match.headers)


def _route(match: Json, rule: RouteRule) -> Json:
    if sum(backend.weight for backend in rule.backends) == 0:
        return _answer(match, 500)
    return {"match": match, "route": _action(rule)}


def _match(rule: RouteRule) -> Json:
    path = rule.match.path.rstrip("/")
    match: Json = {"path_separated_prefix": path} if path else {"prefix": "/"}
    if rule.match.exact:
        match = {"path": rule.match.path}
    headers = [
        {"name": name, "string_match": {"exact": value}} for name, value in rule.match.headers
    ]
    return match | ({"headers": headers} if headers else {})


def _action(rule: RouteRule) -> Json:
    weighted = [_weighted(backend, rule.lane) for backend in rule.backends if backend.weight]
    action: Json = {
        "weighted_clusters": {"clusters": weighted},
        "retry_policy": _retry_policy(rule.try_timeout_s),
    }
    if rule.timeout_s is not None:
        action["timeout"] = _seconds(rule.timeout_s)
    if rule.mirrors:
        action["request_mirror_policies"] = [
            {
                "cluster": cluster_name(mirror.service, Lane.SHADOW),
                "runtime_fraction": {
                    "default_value": {"numerator": mirror.per_million, "denominator": "MILLION"}
                },
            }
            for mirror in rule.mirrors
        ]
    return action


def _weighted(backend: Backend, lane: Lane) -> Json:
    return {
        "name": cluster_name(backend.service, lane),
        "weight": backend.weight,
        "request_headers_to_add": [
            {
                "header": {"key": name, "value": value.replace("%", "%%")},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
            for name, value in backend.headers
        ],
    }


def _retry_policy(try_timeout_s: float | None) -> Json:
    """Retries go to another endpoint, and only if no server has seen the request."""
    hosts = "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    policy: Json = {
        "retry_on": "connect-failure,refused-stream,reset-before-request",
        "num_retries": 3,
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.1s"},
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {"@type": _TYPE + hosts},
            }
        ],
        "host_selection_retry_max_attempts": 5,
    }
    if try_timeout_s:
        policy["per_try_timeout"] = _seconds(try_timeout_s)
    return policy


def _answer(match: Json, status: int, *, model: str = "") -> Json:
    """An answer of Envoy's own; the listener wraps the text in JSON."""
    text = {404: _UNKNOWN, 500: _NO_WEIGHT, 503: _STARTING.format(model=model)}[status]
    return {"match": match, "direct_response": {"status": status, "body": {"inline_string": text}}}


def _seconds(value: float) -> str:
    return f"{value:.3f}s"
