"""What was measured of each release, from the counters of Envoy's clusters. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelctl.local.envoy.clusters import source
from modelctl.local.envoy.measure import Counters, Readings
from modelctl.local.plan.values import Lane, ModelPlan, Workload
from modelctl.status.values import Measured


@dataclass(frozen=True, slots=True)
class Traffic:
    """The counters of the window and those since a model's weights changed, with their times.

    `recent` covers the last `recent_s` seconds; `split` begins at `split_since`, in ISO 8601.
    """

    recent: Readings = field(default_factory=dict)
    recent_s: float = 0.0
    split: Readings = field(default_factory=dict)
    split_since: str | None = None


def total(readings: Readings, workload: Workload) -> Counters:
    """Everything that a release answered, however requests reached it."""
    return sum((_lane(readings, workload, lane) for lane in Lane), Counters())


def by_release(readings: Readings, workloads: Mapping[str, Workload]) -> dict[str, Counters]:
    """Everything that each release of a model answered."""
    counted: dict[str, Counters] = {}
    for workload in workloads.values():
        before = counted.get(workload.release, Counters())
        counted[workload.release] = before + total(readings, workload)
    return counted


def measured(live: ModelPlan | None, workload: Workload, traffic: Traffic) -> Measured:
    """What was measured of one release."""
    lanes = {each: _lane(traffic.recent, workload, each) for each in Lane}
    every = sum(lanes.values(), Counters())
    return Measured(
        requests=every.requests,
        weighted=lanes[Lane.WEIGHTED].requests,
        direct=lanes[Lane.DIRECT].requests,
        shadow=lanes[Lane.SHADOW].requests,
        requests_per_s=round(every.requests / traffic.recent_s, 2) if traffic.recent_s else 0.0,
        share=_share(live, workload, traffic.split),
        error_rate=every.error_rate(),
        client_error_rate=every.client_error_rate(),
        latency_p50_ms=_rounded(every.quantile_ms(0.5)),
        latency_p99_ms=_rounded(every.quantile_ms(0.99)),
    )


def weight(plan: ModelPlan | None, workload: Workload) -> float | None:
    """The percentage of requests that a plan gives to a workload."""
    weights = plan.weights() if plan else {}
    own = [weights[service] for service in workload.services if service in weights]
    whole = sum(weights.values())
    return round(100 * sum(own) / whole, 3) if own and whole else None


def _share(live: ModelPlan | None, workload: Workload, split: Readings) -> float | None:
    if live is None or weight(live, workload) is None:
        return None
    own = _lane(split, workload, Lane.WEIGHTED).requests
    whole = sum(_lane(split, other, Lane.WEIGHTED).requests for other in live.workloads)
    return round(own / whole, 4) if whole else None


def _lane(readings: Readings, workload: Workload, of: Lane) -> Counters:
    found = (readings.get(source(service, of)) for service in workload.services)
    return sum((counters for counters in found if counters), Counters())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
