"""What one model should run here, as values without any behaviour.

`objects` and `routes` make them from rendered Kubernetes objects. `local.envoy.config` turns them
into Envoy's configuration, `local.servers.supervisor` into processes.
"""

from dataclasses import dataclass
from enum import StrEnum

from modelctl.errors import ModelctlError


class PlanError(ModelctlError):
    """A rendered object asks for something that the local engine cannot run as asked."""


class Lane(StrEnum):
    """Why a request reaches a release; each lane is an Envoy cluster with counters of its own.

    Measured shares count the weighted lane alone: requests that a header forces to a release, and
    mirrored copies, would distort them.
    """

    WEIGHTED = "weighted"
    DIRECT = "direct"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Probe:
    """An HTTP probe of a container: `failures` in a row count as failed."""

    path: str
    period_s: float
    timeout_s: float
    failures: int


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """What every replica of a Deployment is started with; a changed template replaces them.

    `files` is the folder that relative `file:` URIs resolve against, and `missing` names the
    files of the template that the revision does not have.
    """

    environment: tuple[tuple[str, str], ...]
    startup: Probe | None
    readiness: Probe | None
    liveness: Probe | None
    grace_s: float
    files: str = ""
    missing: tuple[str, ...] = ()

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
class Match:
    """Which requests a rule takes: a path (whole elements) and exact request headers."""

    path: str
    exact: bool
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Backend:
    """A Service, its weight among its rule's backends, and the headers set on the way there."""

    service: str
    weight: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Mirror:
    """A Service that gets copies of `per_million` in a million requests."""

    service: str
    per_million: int


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One match of an HTTPRoute rule, with where its requests go.

    A timeout of 0 stands for no limit, None for Envoy's own.
    """

    match: Match
    backends: tuple[Backend, ...]
    mirrors: tuple[Mirror, ...]
    timeout_s: float | None
    try_timeout_s: float | None

    @property
    def lane(self) -> Lane:
        """The lane of its requests: a rule that asks for headers leads to one release directly."""
        return Lane.DIRECT if self.match.headers else Lane.WEIGHTED


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Everything that serves one model: its Deployments and the rules of its HTTPRoute."""

    model: str
    workloads: tuple[Workload, ...]
    rules: tuple[RouteRule, ...]

    def weights(self) -> dict[str, int]:
        """The weight of each Service in the rules that share by weight."""
        shared = (rule for rule in self.rules if rule.lane is Lane.WEIGHTED)
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
