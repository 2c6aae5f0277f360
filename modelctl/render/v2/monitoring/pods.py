"""Alerts on pods, from what kube-state-metrics says of them."""

from collections.abc import Iterator, Sequence

from modelctl.render.v2 import budgets
from modelctl.render.v2.monitoring.alert import Alert
from modelctl.render.v2.monitoring.promql import WEIGHT, Selected, lines
from modelctl.repo.kinds import Model, Release

RESTARTS_AN_HOUR = 3
_SERVER = 'container="server"'


def alerts(model: Model, releases: Sequence[Release]) -> Iterator[Alert]:
    """Pods that do not start, that start again and again, and too few of them."""
    chosen = Selected.of(model)
    yield _crash_loop(chosen)
    yield _restarts(chosen)
    yield _too_few(chosen, max(map(budgets.progress_deadline_s, releases)))
    yield _none(chosen)


def _crash_loop(chosen: Selected) -> Alert:
    waiting = chosen.by_pod(
        "kube_pod_container_status_waiting_reason",
        _SERVER,
        'reason="CrashLoopBackOff"',
        around="max_over_time({}[5m])",
    )
    return Alert(
        name="ModelCrashLoops",
        expr=f"sum by (namespace, release) ({waiting}) > 0",
        for_s=600,
        severity="warning",
        summary=f"{chosen.model} {{{{ $labels.release }}}} does not start",
        description=f"{{{{ $value }}}} pods of release {{{{ $labels.release }}}} of {chosen.model} "
        "end again and again right after their start, for 10 minutes now. The last line of their "
        "log says why.",
        anchor="modelcrashloops",
    )


def _restarts(chosen: Selected) -> Alert:
    restarts = chosen.by_pod(
        "kube_pod_container_status_restarts_total", _SERVER, around="increase({}[1h])"
    )
    return Alert(
        name="ModelRestarts",
        expr=f"sum by (namespace, release) ({restarts}) >= {RESTARTS_AN_HOUR}",
        for_s=0,
        severity="warning",
        summary=f"{chosen.model} {{{{ $labels.release }}}} was restarted "
        '{{ printf "%.0f" $value }} times in an hour',
        description=f"Servers of release {{{{ $labels.release }}}} of {chosen.model} ended and "
        'were started again {{ printf "%.0f" $value }} times in the last hour: out of memory, '
        "unanswered liveness probes, or a crash.",
        anchor="modelrestarts",
    )


def _too_few(chosen: Selected, start_s: int) -> Alert:
    """Held until a start, with its image and artifact, had all the time that it may take."""
    wanted = chosen.by_deployment("kube_deployment_spec_replicas")
    ready = chosen.by_deployment("kube_deployment_status_replicas_ready")
    return Alert(
        name="ModelTooFewReady",
        expr=lines(wanted, f"- {ready}", "> 0"),
        for_s=start_s,
        severity="warning",
        summary=f"{chosen.model} {{{{ $labels.release }}}} lacks {{{{ $value }}}} ready pods",
        description=f"{{{{ $value }}}} pods of release {{{{ $labels.release }}}} of {chosen.model} "
        f"are wanted and not ready, for longer than a start may take ({start_s} s).",
        anchor="modeltoofewready",
    )


def _none(chosen: Selected) -> Alert:
    weight = f"max by (namespace, release) ({chosen.series(WEIGHT)})"
    return Alert(
        name="ModelNoneReady",
        expr=lines(
            f"{weight} > 0",
            f"and {chosen.by_deployment('kube_deployment_status_replicas_ready')} == 0",
        ),
        for_s=120,
        severity="critical",
        summary=f"{chosen.model} {{{{ $labels.release }}}} has {{{{ $value }}}} % of the traffic "
        "in git and no pod that is ready",
        description=f"No pod of release {{{{ $labels.release }}}} of {chosen.model} is ready, for "
        "2 minutes now, while git gives it {{ $value }} % of the requests.",
        anchor="modelnoneready",
    )
