"""What is computed once a minute of every release of a model, for alerts and dashboards.

Long windows are sums of what was recorded, not of the raw counters: one series a release is read,
however many pods came and went, and a window costs the same in the third day as in the first hour.
"""

from collections.abc import Iterator
from typing import Any

from modelctl.render.v2.monitoring import buckets
from modelctl.render.v2.monitoring.promql import (
    ERRORS,
    LABELS,
    P99,
    REQUESTS,
    SERVED,
    SHARE,
    SLOW,
    Selected,
    lines,
    number,
)
from modelctl.repo.kinds import Model, ServiceLevel

WINDOWS = ("5m", "10m", "30m", "1h", "6h", "3d")
_COUNTED = "modelserver_requests_total"
_DURATION = "modelserver_request_duration_seconds"


def ratio(what: str, window: str) -> str:
    """Name of a recorded share of requests, `errors` or `slow`, over a window."""
    return f"modelctl:{what}:ratio_rate{window}"


def rules(model: Model) -> Iterator[dict[str, Any]]:
    """The recording rules, each after those that it reads."""
    chosen = Selected.of(model)
    yield from _promises(model.service_level, chosen)
    yield _record(REQUESTS, _rate(chosen.series(_COUNTED, SERVED)))
    failed = _rate(chosen.series(_COUNTED, SERVED, 'code=~"5.."'))
    yield _record(ERRORS, f"{failed} or {chosen.series(REQUESTS)} * 0")
    yield _record(SLOW, _slow(chosen, buckets.slow_from_s(model.service_level.latency_p99_ms)))
    for what, numerator in (("errors", ERRORS), ("slow", SLOW)):
        for window in WINDOWS:
            yield _record(ratio(what, window), _ratio(chosen, numerator, window))
    yield _record(P99, _p99(chosen))
    yield _record(SHARE, _share(chosen))


def _record(name: str, expr: str, **labels: str) -> dict[str, Any]:
    return {"record": name, "expr": expr, **({"labels": labels} if labels else {})}


def _promises(level: ServiceLevel, chosen: Selected) -> Iterator[dict[str, Any]]:
    """What callers were promised, as series that a dashboard can draw."""
    for name, value in (
        ("modelctl_promised_error_rate", level.error_rate),
        ("modelctl_promised_p99_seconds", level.latency_p99_ms / 1000),
    ):
        labels = {"namespace": chosen.namespace, "model": chosen.model}
        yield _record(name, f"vector({number(value)})", **labels)


def _rate(series: str) -> str:
    return f"sum by ({LABELS}) (rate({series}[5m]))"


def _slow(chosen: Selected, from_s: float) -> str:
    """Requests a second that took longer; nothing where the server has no such bucket."""
    all_ = _rate(chosen.series(f"{_DURATION}_count", SERVED))
    quick = _rate(chosen.series(f"{_DURATION}_bucket", SERVED, f'le="{from_s}"'))
    return lines(f"{all_}", f"- {quick}")


def _ratio(chosen: Selected, numerator: str, window: str) -> str:
    """The share in all requests of a window; nothing where there was none."""
    if window == "5m":
        return f"{chosen.series(numerator)} / ({chosen.series(REQUESTS)} > 0)"
    part = f"sum_over_time({chosen.series(numerator)}[{window}])"
    return f"{part} / (sum_over_time({chosen.series(REQUESTS)}[{window}]) > 0)"


def _p99(chosen: Selected) -> str:
    buckets_ = f"rate({chosen.series(f'{_DURATION}_bucket', SERVED)}[10m])"
    return f"histogram_quantile(0.99, sum by ({LABELS}, le) ({buckets_}))"


def _share(chosen: Selected) -> str:
    """Of the requests that a route shares out by weight: what the weights in git should give."""
    shared = chosen.series(_COUNTED, 'role="shared"')
    all_ = f"sum by (namespace, model) (rate({shared}[5m])) > 0"
    return lines(_rate(shared), f"/ on (namespace, model) group_left () ({all_})")
