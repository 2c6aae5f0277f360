"""Where the pods of a Service answer, as Envoy has to know it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Host:
    """A model server: its port, the one for copies (0 for none), and whether it is ready.

    One that is not ready is known and gets nothing new, as an endpoint of a cluster does.
    """

    port: int
    mirror_port: int
    ready: bool


@dataclass(frozen=True, slots=True)
class Endpoints:
    """A Service with its endpoints."""

    service: str
    hosts: tuple[Host, ...]
