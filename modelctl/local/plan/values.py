"""What one model should run here, as values without any behaviour.

`objects` and `routes` make them from rendered Kubernetes objects. `local.envoy` turns them into
Envoy's configuration, `local.servers.supervisor` into processes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from modelctl.gateway.fields import ObjectError
from modelctl.gateway.reading import Objects
from modelctl.gateway.values import Route, RouteRule, TrafficPolicy

_ROLE_HEADER = "x-model-role"
RELEASE_HEADER = "x-model-release"  # names a release in a request, whatever its weight


# A rendered object asks for something that the local engine cannot run as asked.
PlanError = ObjectError


class Lane(StrEnum):
    """Why a request reaches a release; each lane has counters of its own.

    Measured shares count the weighted lane alone: requests that a header forces to a release, and
    mirrored copies, would distort them.
    """

    WEIGHTED = "weighted"
    DIRECT = "direct"
    SHADOW = "shadow"


def lane(rule: RouteRule) -> Lane:
    """The lane of a rule's requests: one that asks for a release leads to that directly."""
    asked = any(header.name == RELEASE_HEADER for match in rule.matches for header in match.headers)
    return Lane.DIRECT if asked else Lane.WEIGHTED


@dataclass(frozen=True, slots=True)
class Probe:
    """An HTTP probe of a container: `failures` in a row count as failed, `successes` as passed."""

    path: str
    period_s: float
    timeout_s: float
    failures: int
    successes: int = 1


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """What every replica of a Deployment is started with; a changed template replaces them.

    `files` is the folder that relative `file:` URIs resolve against, and `missing` names the
    files of the template that the revision does not have. `stored` are URIs of the store and the
    files that they stand for here, which may come later. `memory_bytes` is the container's limit,
    0 where it has none.
    """

    environment: tuple[tuple[str, str], ...]
    startup: Probe | None
    readiness: Probe | None
    liveness: Probe | None
    grace_s: float
    files: str = ""
    missing: tuple[str, ...] = ()
    stored: tuple[tuple[str, str], ...] = ()
    memory_bytes: int = 0

    def variable(self, name: str) -> str | None:
        """The value of an environment variable, or None."""
        return next((value for key, value in self.environment if key == name), None)


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment with its replica count, the Services that select its pods, and its image.

    Nothing is pulled here: the image is told, not run.
    """

    name: str
    model: str
    release: str
    replicas: int
    template: PodTemplate
    services: tuple[str, ...]
    image: str = ""


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Everything that serves one model: its Deployments, and what it says to the gateway.

    `stable` is the release that the platform calls so; a former template said it by a header alone.
    """

    model: str
    workloads: tuple[Workload, ...]
    gateway: Objects = field(default_factory=Objects)
    stable: str = ""

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes, with a name for every rule."""
        return self.gateway.routes

    @property
    def rules(self) -> Iterator[RouteRule]:
        """The rules of every route."""
        return (rule for route in self.routes for rule in route.rules)

    def weights(self) -> dict[str, int]:
        """The weight of each Service in the rules that share by weight."""
        shared = (rule for rule in self.rules if lane(rule) is Lane.WEIGHTED)
        return {backend.service: backend.weight for rule in shared for backend in rule.backends}

    def shadows(self) -> dict[str, int]:
        """The Services that get copies, with the copied share in parts per million."""
        return {
            mirror.service: mirror.per_million for rule in self.rules for mirror in rule.mirrors
        }

    def workload_of(self, service: str) -> Workload | None:
        """The Deployment behind a Service, or None."""
        return next((w for w in self.workloads if service in w.services), None)

    def release_of(self, service: str) -> str:
        """The release behind a Service."""
        workload = self.workload_of(service)
        return workload.release if workload else service

    def role_of(self, service: str) -> str:
        """What a Service is to the model: stable, canary, shadow, or nothing."""
        for rule in self.rules:
            for backend in rule.backends if lane(rule) is Lane.WEIGHTED else ():
                if backend.service == service:
                    is_stable = self.release_of(service) == self.stable
                    said = dict(backend.headers).get(_ROLE_HEADER)
                    return said or ("stable" if is_stable else "canary")
        return "shadow" if service in self.shadows() else ""


@dataclass(frozen=True, slots=True)
class Published:
    """What of a model is to be routed now: no routes while nothing of it can answer.

    `policies` are what the gateway does with the backends, merged, by the name of the route; one
    that is not there has the gateway's own. `split` numbers the weights, so that what was counted
    under others is told apart.
    """

    routes: tuple[Route, ...]
    policies: tuple[tuple[str, TrafficPolicy], ...] = ()
    split: int = 0

    def policy(self, route: Route) -> TrafficPolicy | None:
        """The policy that one of its routes has."""
        return dict(self.policies).get(route.name)
