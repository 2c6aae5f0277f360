"""A model's series over time, as a cluster would give them, and what Prometheus tells of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelctl.render import objects
from modelctl.repo.kinds import Environment, Model, Release, Serving

_SHARED = "shared"


@dataclass(frozen=True)
class Behaviour:
    """What the pods of one release do; numbers are per minute, from the first minute on.

    It fails for `failing_minutes`, or to the end. `pods` are ready of `wanted`; without
    `is_scraped` nothing is read of them, without `is_known` the cluster says nothing of them.
    """

    answered: int = 600
    failed: int = 0
    failing_minutes: int | None = None
    slow: int = 0
    role: str = _SHARED
    wanted: int = 2
    pods: int = 2
    in_flight: int = 4
    most_in_flight: int = 64
    restarts: float = 0
    crash_loops: bool = False
    is_scraped: bool = True
    is_known: bool = True
    bounds: tuple[str, ...] = ("0.01", "0.05", "0.25", "+Inf")


@dataclass(frozen=True)
class Scene:
    """A model in an environment and what its releases do for so many minutes."""

    model: Model
    releases: Mapping[str, Release]
    serving: Serving
    environment: Environment
    does: Mapping[str, Behaviour]
    minutes: int = 60

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The rendered groups of rules, weights first."""
        values = objects(self.model, self.releases, self.serving, self.environment)
        rules = [value["spec"]["groups"] for value in values if value["kind"] == "PrometheusRule"]
        return sorted((group for groups in rules for group in groups), key=_weights_first)

    def told(self, expected: Mapping[str, set[str]]) -> dict[str, Any]:
        """A test: at the end exactly these alerts are on, each for these releases."""
        samples = [
            {"labels": f'{{alertname="{alert}", release="{release}"}}', "value": 1}
            for alert, releases in expected.items()
            for release in sorted(releases)
        ]
        return self.test(
            promql_expr_test=[
                {
                    "expr": 'group by (alertname, release) (ALERTS{alertstate="firing"})',
                    "eval_time": f"{self.minutes}m",
                    "exp_samples": samples,
                }
            ]
        )

    def test(self, **expected: Any) -> dict[str, Any]:  # noqa: ANN401 - a test of promtool's
        """A test of promtool over these series."""
        series = [
            {"series": name, "values": values}
            for release, behaviour in self.does.items()
            for name, values in self._series(release, behaviour)
        ]
        return {"interval": "1m", "input_series": series, **expected}

    def _series(self, release: str, does: Behaviour) -> Iterator[tuple[str, str]]:
        own = f'namespace="models-{self.model.owner}", model="{self.model.name}", '
        own += f'release="{release}"'
        if does.is_scraped:
            yield f"up{{{own}}}", self._constant(1)
            yield from self._requests(own, does)
        if does.is_known:
            yield from self._kubernetes(release, does)

    def _requests(self, own: str, does: Behaviour) -> Iterator[tuple[str, str]]:
        served = f'{own}, role="{does.role}"'
        yield f'modelserver_requests_total{{{served}, code="200"}}', self._rising(does.answered)
        if does.failed:
            failed = self._rising(does.failed, does.failing_minutes)
            yield f'modelserver_requests_total{{{served}, code="500"}}', failed
        every = does.answered + does.failed
        name = "modelserver_request_duration_seconds"
        for bound in does.bounds:
            is_quick = bound not in {"0.25", "+Inf"}
            number = every - does.slow if is_quick else every
            yield f'{name}_bucket{{{served}, le="{bound}"}}', self._rising(number)
        yield f"{name}_count{{{served}}}", self._rising(every)
        yield f"modelserver_requests_in_flight{{{own}}}", self._constant(does.in_flight)
        limit = f'modelserver_request_limit{{{own}, limit="requests"}}'
        yield limit, self._constant(does.most_in_flight)

    def _kubernetes(self, release: str, does: Behaviour) -> Iterator[tuple[str, str]]:
        deployment = f"{self.model.name}-{release}"
        namespace = f'namespace="models-{self.model.owner}"'
        labels = f'{namespace}, deployment="{deployment}"'
        yield f"kube_deployment_spec_replicas{{{labels}}}", self._constant(does.wanted)
        yield f"kube_deployment_status_replicas_ready{{{labels}}}", self._constant(does.pods)
        pod = f'{namespace}, container="server", pod="{deployment}-6d4cf56db6-x2x5z"'
        yield f"kube_pod_container_status_restarts_total{{{pod}}}", self._rising(does.restarts)
        if does.crash_loops:
            name = "kube_pod_container_status_waiting_reason"
            yield f'{name}{{{pod}, reason="CrashLoopBackOff"}}', self._constant(1)

    def _rising(self, a_minute: float, minutes: int | None = None) -> str:
        if minutes is None:
            return f"0+{a_minute}x{self.minutes}"
        return f"0+{a_minute}x{minutes} {a_minute * minutes}+0x{self.minutes - minutes - 1}"

    def _constant(self, value: int) -> str:
        return f"{value}+0x{self.minutes}"


def _weights_first(group: Mapping[str, Any]) -> bool:
    return not group["name"].endswith(" weights")
