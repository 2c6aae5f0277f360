"""Where the pods of a Service answer, as Envoy has to know it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Host:
    """A model server that Envoy may send requests to; a draining one gets no new ones."""

    port: int
    draining: bool = False


@dataclass(frozen=True, slots=True)
class ActiveCheck:
    """Envoy's own health check of a Service's endpoints."""

    path: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Endpoints:
    """A Service with its endpoints; without a health check every endpoint counts as healthy."""

    service: str
    health: ActiveCheck | None
    hosts: tuple[Host, ...]
