"""Words of PromQL that the rules of a model share."""

from dataclasses import dataclass

from modelctl.render.v2 import metadata
from modelctl.repo.kinds import Model

LABELS = "namespace, model, release"
"""What every recorded series is told apart by."""

SERVED = 'role!="shadow"'
"""Requests that somebody waits for: no copies."""

WEIGHT = "modelctl_release_weight"
REQUESTS = "modelctl:requests:rate5m"
ERRORS = "modelctl:errors:rate5m"
SLOW = "modelctl:slow:rate5m"
SHARE = "modelctl:share:ratio_rate5m"
P99 = "modelctl:latency_p99_seconds:rate10m"

_RELEASE = "r[1-9][0-9]*"
_SUFFIX = "[a-z0-9]+-[a-z0-9]+"  # of a pod's name behind its Deployment's; neither has a dash


@dataclass(frozen=True, slots=True)
class Selected:
    """Series of one model."""

    namespace: str
    model: str

    @classmethod
    def of(cls, model: Model) -> "Selected":
        """Those of a model in its team's namespace."""
        return cls(metadata.namespace(model), model.name)

    def series(self, name: str, *matchers: str) -> str:
        """A selector of series that carry the model's name."""
        own = f'namespace="{self.namespace}"', f'model="{self.model}"'
        return f"{name}{{{', '.join((*own, *matchers))}}}"

    def by_pod(self, name: str, *matchers: str, around: str = "{}") -> str:
        """Series about the model's pods, what is computed `around` them, with their `release`."""
        names = f"{self.model}-({_RELEASE})-{_SUFFIX}"
        found = self._named("pod", names, name, *matchers)
        return _with_release(around.format(found), "pod", names)

    def by_deployment(self, name: str) -> str:
        """Series about the model's Deployments, one a release, with their `release`."""
        names = f"{self.model}-({_RELEASE})"
        found = _with_release(self._named("deployment", names, name), "deployment", names)
        return f"max by (namespace, release) ({found})"

    def _named(self, label: str, names: str, name: str, *matchers: str) -> str:
        own = f'namespace="{self.namespace}"', f'{label}=~"{names}"'
        return f"{name}{{{', '.join((*own, *matchers))}}}"

    def weighted(self) -> str:
        """Ends an expression: only of releases that have weight in git."""
        return f"and on ({LABELS}) {self.series(WEIGHT)} > 0"

    def unmeasured(self) -> str:
        """The weights in git of releases that have some and of which no server is read."""
        return lines(
            f"max by ({LABELS}) ({self.series(WEIGHT)}) > 0",
            f"unless max by ({LABELS}) ({self.series('up')} == 1)",
        )


def _with_release(series: str, label: str, names: str) -> str:
    return f'label_replace({series}, "release", "$1", "{label}", "{names}")'


def lines(*parts: str) -> str:
    """An expression of several lines."""
    return "\n".join(parts)


def number(value: float) -> str:
    """A number as PromQL reads it, without the noise of its last places."""
    return f"{value:.6g}"
