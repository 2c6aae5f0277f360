"""Envoy's clusters: one a rule, with its endpoints inline and a locality a backend.

A weight is a locality's, so that a change of weights is a change of one cluster. Only where a rule
sets headers for one backend alone, each backend is a cluster: a rule of the platform's first
template.

Source: Envoy v3 API; Envoy Gateway 1.9.
"""

from collections.abc import Iterator, Mapping

from modelctl.gateway.values import Backend, Mirror, Route, RouteRule, TrafficPolicy
from modelctl.local.envoy.policies import TYPE, Json, of_cluster
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Lane, Published, lane

Services = Mapping[str, Endpoints]

_MIRRORS = TrafficPolicy()  # no policy reaches the cluster of a mirror


def source(service: str, of: Lane) -> str:
    """Names what is measured of a Service in a lane; `~` is in no Kubernetes name."""
    return f"{service}~{of}"


def rule_cluster(route: Route, rule: RouteRule) -> str:
    """The cluster of a rule.

    Envoy Gateway numbers the rules; with their names, a new rule does not rename those after it.
    """
    return f"httproute/{route.namespace}/{route.name}/rule/{rule.name}"


def backend_cluster(route: Route, rule: RouteRule, backend: Backend) -> str:
    """The cluster of one backend of a rule that sets headers for it."""
    return f"{rule_cluster(route, rule)}/backend/{backend.service}"


def mirror_cluster(route: Route, rule: RouteRule, mirror: Mirror) -> str:
    """The cluster of a mirror."""
    return f"{rule_cluster(route, rule)}/mirror/{mirror.service}"


def by_backend(rule: RouteRule) -> bool:
    """Whether each backend needs a cluster of its own."""
    return any(backend.headers for backend in rule.backends)


def clusters(published: Published, services: Services, gateway: TrafficPolicy) -> Iterator[Json]:
    """The clusters of a model."""
    for route in published.routes:
        policy = published.policy(route) or gateway
        for rule in route.rules:
            weighted = [backend for backend in rule.backends if backend.weight]
            if rule.answer is not None or not weighted:
                continue
            for name, backends in _grouped(route, rule, weighted):
                localities = [
                    _locality(backend, services, lane(rule), published.split)
                    for backend in backends
                ]
                yield _cluster(name, localities, policy)
            for mirror in rule.mirrors:
                copied = [_copies(mirror, services, published.split)]
                yield _cluster(mirror_cluster(route, rule, mirror), copied, _MIRRORS)


def _grouped(
    route: Route, rule: RouteRule, weighted: list[Backend]
) -> Iterator[tuple[str, list[Backend]]]:
    if not by_backend(rule):
        yield rule_cluster(route, rule), weighted
        return
    for backend in weighted:
        yield backend_cluster(route, rule, backend), [backend]


def _cluster(name: str, localities: list[Json], policy: TrafficPolicy) -> Json:
    return {
        "@type": TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC",
        # An endpoint that the engine removes is gone, whatever health checks say of it.
        "ignore_health_on_host_removal": True,
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [locality for locality in localities if locality["lb_endpoints"]],
        },
        **of_cluster(policy),
    }


def _locality(backend: Backend, services: Services, of: Lane, split: int) -> Json:
    hosts = hosts_of(backend.service, services)
    return {
        "locality": {"zone": f"{source(backend.service, of)}~{split}"},
        "load_balancing_weight": backend.weight,
        "lb_endpoints": [_endpoint(host.port, host) for host in hosts],
    }


def _copies(mirror: Mirror, services: Services, split: int) -> Json:
    """Copies go to a port of their own, by which the server knows them."""
    hosts = hosts_of(mirror.service, services)
    return {
        "locality": {"zone": f"{source(mirror.service, Lane.SHADOW)}~{split}"},
        "load_balancing_weight": 1,
        "lb_endpoints": [_endpoint(host.mirror_port or host.port, host) for host in hosts],
    }


def hosts_of(service: str, services: Services) -> tuple[Host, ...]:
    """The endpoints of a Service that have a port."""
    found = services.get(service)
    return tuple(host for host in found.hosts if host.port) if found else ()


def _endpoint(port: int, host: Host) -> Json:
    return {
        "health_status": "UNKNOWN" if host.ready else "DRAINING",
        "load_balancing_weight": 1,
        "endpoint": {"address": socket_address(port)},
    }


def socket_address(port: int) -> Json:
    """A TCP port of the loopback interface."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
