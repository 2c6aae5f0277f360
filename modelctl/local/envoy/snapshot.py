"""All of Envoy's resources for one state of the environment, as plain JSON values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelctl.gateway.values import Gateway
from modelctl.local.envoy.clusters import clusters
from modelctl.local.envoy.defaults import DEFAULT, UNREAD
from modelctl.local.envoy.listener import listener
from modelctl.local.envoy.policies import Json
from modelctl.local.envoy.routes import route_configuration
from modelctl.local.plan.endpoints import Endpoints
from modelctl.local.plan.values import Published


@dataclass(frozen=True, slots=True)
class Wanted:
    """What Envoy is to do: the routes by model, what answers, and the gateway's own policies.

    `published` is None until git has been read; a gateway of None is one that renders no policies.
    """

    port: int
    published: Mapping[str, Published] | None = None
    services: tuple[Endpoints, ...] = ()
    gateway: Gateway | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The resources, each kind for one watched file, and the ports that get requests by them."""

    listeners: tuple[Json, ...]
    clusters: tuple[Json, ...]
    routes: Json
    ports: frozenset[int] = field(default=frozenset())


def snapshot(folder: Path, wanted: Wanted) -> Snapshot:
    """The resources for what is wanted; the same whatever the order of its parts.

    `folder` is where Envoy finds them.
    """
    gateway = UNREAD if wanted.published is None else wanted.gateway or DEFAULT
    published = dict(sorted((wanted.published or {}).items()))
    services = {each.service: each for each in wanted.services}
    return Snapshot(
        listeners=(listener(folder, wanted.port, gateway.clients),),
        clusters=tuple(
            cluster
            for each in (*published.values(), Published(gateway.routes))
            for cluster in clusters(each, services, gateway.backends)
        ),
        routes=route_configuration(published, services, gateway),
        ports=frozenset(_ports(wanted.services)),
    )


def _ports(services: Iterable[Endpoints]) -> Iterable[int]:
    return (host.port for each in services for host in each.hosts if host.ready)
