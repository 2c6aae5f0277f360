"""Alerts on a server at its limit, and on what is not measured at all: no data is no good news."""

from collections.abc import Iterator

from modelctl.render.v2.monitoring import buckets
from modelctl.render.v2.monitoring.alert import Alert
from modelctl.render.v2.monitoring.promql import (
    LABELS,
    REQUESTS,
    SERVED,
    WEIGHT,
    Selected,
    lines,
    number,
)
from modelctl.repo.kinds import Model

FULL = 0.8
"""The share of `max_inflight` in use past which a release is called saturated."""


def alerts(model: Model) -> Iterator[Alert]:
    """Too much for a release, and too little known about it."""
    chosen = Selected.of(model)
    yield _saturated(chosen)
    yield _no_data(chosen)
    yield _no_pod_data(chosen)
    yield _no_latency(chosen, buckets.slow_from_s(model.service_level.latency_p99_ms))


def _saturated(chosen: Selected) -> Alert:
    used = chosen.series("modelserver_requests_in_flight")
    limit = chosen.series("modelserver_request_limit", 'limit="requests"')
    return Alert(
        name="ModelSaturated",
        expr=lines(
            f"sum by ({LABELS}) (avg_over_time({used}[5m]))",
            f"/ sum by ({LABELS}) ({limit})",
            f"> {FULL}",
            chosen.weighted(),
        ),
        for_s=600,
        severity="warning",
        summary=f"{chosen.model} {{{{ $labels.release }}}} works at "
        "{{ $value | humanizePercentage }} of what it takes at once",
        description=f"Over 5 minutes {{{{ $value | humanizePercentage }}}} of `max_inflight` of "
        f"all pods of release {{{{ $labels.release }}}} of {chosen.model} were in use, for 10 "
        "minutes now. At 100 % requests are answered 503.",
        anchor="modelsaturated",
    )


def _no_data(chosen: Selected) -> Alert:
    return Alert(
        name="ModelNoData",
        expr=chosen.unmeasured(),
        for_s=600,
        severity="critical",
        summary=f"{chosen.model} {{{{ $labels.release }}}} has {{{{ $value }}}} % of the traffic "
        "in git and is not measured",
        description=f"Prometheus has read no metrics of release {{{{ $labels.release }}}} of "
        f"{chosen.model} for 10 minutes, while git gives it {{{{ $value }}}} % of the requests. "
        "Its other alerts are blind.",
        anchor="modelnodata",
        labels={"source": "server"},
    )


def _no_pod_data(chosen: Selected) -> Alert:
    known = chosen.by_deployment("kube_deployment_spec_replicas")
    return Alert(
        name="ModelNoData",
        expr=lines(
            f"max by (namespace, release) ({chosen.series(WEIGHT)}) > 0",
            f"unless {known}",
        ),
        for_s=600,
        severity="warning",
        summary=f"{chosen.model} {{{{ $labels.release }}}}: nothing is known of its pods",
        description="kube-state-metrics has said nothing of the Deployment of release "
        f"{{{{ $labels.release }}}} of {chosen.model} for 10 minutes. Alerts on crash loops, "
        "restarts and missing pods are blind.",
        anchor="modelnodata",
        labels={"source": "kubernetes"},
    )


def _no_latency(chosen: Selected, from_s: float) -> Alert:
    bucket = chosen.series("modelserver_request_duration_seconds_bucket", SERVED, f'le="{from_s}"')
    return Alert(
        name="ModelNoData",
        expr=lines(f"{chosen.series(REQUESTS)} > 0", f"unless sum by ({LABELS}) ({bucket})"),
        for_s=900,
        severity="warning",
        summary=f"{chosen.model} {{{{ $labels.release }}}}: its latency is not held to the promise",
        description=f"Release {{{{ $labels.release }}}} of {chosen.model} answers requests, and "
        f"its server does not count those within {number(1000 * from_s)} ms: its image has other "
        "buckets than this template reads. ModelSlow is blind.",
        anchor="modelnodata",
        labels={"source": "latency"},
    )
