"""What Envoy says about its endpoints, read from its `/clusters` page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelctl.local.envoy.config import cluster_name
from modelctl.local.plan.values import Lane


@dataclass(frozen=True, slots=True)
class HostView:
    """One endpoint of a cluster: whether it gets requests, and how many are in flight to it."""

    healthy: bool
    active: int


@dataclass(frozen=True, slots=True)
class View:
    """The endpoints of every cluster by port; none, and `silent`, while Envoy does not answer."""

    clusters: Mapping[str, Mapping[int, HostView]] = field(default_factory=dict)
    silent: bool = False

    def ready(self, service: str, lane: Lane) -> bool:
        """Whether Envoy has a healthy endpoint for a Service in a lane."""
        hosts = self.clusters.get(cluster_name(service, lane), {})
        return any(host.healthy for host in hosts.values())

    def healthy_ports(self) -> frozenset[int]:
        """The ports that Envoy sends requests to, in every lane."""
        known = {port for hosts in self.clusters.values() for port in hosts}
        without = {
            port
            for hosts in self.clusters.values()
            for port, host in hosts.items()
            if not host.healthy
        }
        return frozenset(known - without)

    def drained(self, port: int) -> bool:
        """Whether Envoy sends a port nothing any more and has nothing in flight to it."""
        hosts = [hosts[port] for hosts in self.clusters.values() if port in hosts]
        return bool(self.clusters) and not any(host.healthy or host.active for host in hosts)


def parse_view(page: bytes) -> View:
    """The view in a `/clusters?format=json` page.

    Raises:
        ValueError: The page is no JSON.
        KeyError: It has another form.
    """
    document = json.loads(page)
    return View(
        {
            cluster["name"]: dict(map(_host, cluster.get("host_statuses", ())))
            for cluster in document.get("cluster_statuses", ())
        }
    )


def _host(status: Mapping[str, Any]) -> tuple[int, HostView]:
    stats = {item["name"]: int(item.get("value", 0)) for item in status["stats"]}
    health = status["health_status"]
    failed = any(value is True for value in health.values())
    healthy = not failed and health.get("eds_health_status", "HEALTHY") == "HEALTHY"
    port = status["address"]["socket_address"]["port_value"]
    return port, HostView(healthy, stats.get("rq_active", 0))
