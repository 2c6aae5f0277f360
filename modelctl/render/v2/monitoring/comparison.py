"""Alerts on a canary beside the stable release, and on shares that are not those in git."""

from collections.abc import Iterator

from modelctl.render.v2.monitoring import recording
from modelctl.render.v2.monitoring.alert import Alert
from modelctl.render.v2.monitoring.promql import (
    ERRORS,
    LABELS,
    P99,
    REQUESTS,
    SHARE,
    WEIGHT,
    Selected,
    lines,
    number,
)
from modelctl.repo.kinds import Model

LEAST_REQUESTS = 100
"""Of each release in ten minutes before their failures are compared."""

LEAST_FAILED = 10
"""Failures of the canary in ten minutes before they count as more than the stable release's."""

LEAST_TIMED = 500
"""Requests of each release in ten minutes before their 99th percentiles are compared: five each."""

LEAST_SHARED = 1000
"""Requests of a model in five minutes before its shares are held against those in git."""

_TIMES_FAILED = 2
_TIMES_SLOWER = 1.5
_OFF = 0.01  # share: beside four standard deviations of chance, what proxies round away
_MINUTES, _FIVE_MINUTES_S = 60, 300


def alerts(model: Model) -> Iterator[Alert]:
    """What a canary does worse than the stable release, and traffic that does not follow git."""
    chosen = Selected.of(model)
    yield _failing(chosen, model.service_level.error_rate)
    yield _slower(chosen, model.service_level.latency_p99_ms / 1000)
    yield _share(chosen)


def _canary(chosen: Selected, value: str) -> str:
    weight = chosen.series(WEIGHT, 'role="canary"')
    return f"({value} and on ({LABELS}) {weight} > 0)"


def _stable(chosen: Selected, value: str) -> str:
    weight = chosen.series(WEIGHT, 'role="stable"')
    return f"max by (namespace, model) ({value} and on ({LABELS}) {weight})"


def _sum(chosen: Selected, recorded: str) -> str:
    """How many there were in ten minutes, from what is recorded once a minute."""
    return f"sum_over_time({chosen.series(recorded)}[10m]) * {_MINUTES}"


def _both(chosen: Selected, least: int) -> tuple[str, str]:
    """Silence is no news: both have answered that much."""
    requests = _sum(chosen, REQUESTS)
    return (
        f"and {requests} >= {least}",
        f"and on (namespace, model) {_stable(chosen, requests)} >= {least}",
    )


def _failing(chosen: Selected, promised: float) -> Alert:
    failed = chosen.series(recording.ratio("errors", "10m"))
    bound = f"{_TIMES_FAILED} * {_stable(chosen, failed)} + {number(promised)}"
    return Alert(
        name="ModelCanaryFails",
        expr=lines(
            _canary(chosen, failed),
            f"> on (namespace, model) group_left () ({bound})",
            f"and {_sum(chosen, ERRORS)} >= {LEAST_FAILED}",
            *_both(chosen, LEAST_REQUESTS),
        ),
        for_s=120,
        severity="critical",
        summary=f"{chosen.model} {{{{ $labels.release }}}} fails more than the stable release: "
        "{{ $value | humanizePercentage }}",
        description=f"{{{{ $value | humanizePercentage }}}} of the requests to release "
        f"{{{{ $labels.release }}}} of {chosen.model} failed in the last 10 minutes: more than "
        f"{_TIMES_FAILED} times the share of the stable release and the promised "
        f"{number(100 * promised)} % together.",
        anchor="modelcanaryfails",
    )


def _slower(chosen: Selected, promised_s: float) -> Alert:
    p99 = chosen.series(P99)
    return Alert(
        name="ModelCanarySlow",
        expr=lines(
            _canary(chosen, p99),
            f"> on (namespace, model) group_left () ({_TIMES_SLOWER} * {_stable(chosen, p99)})",
            f"and {p99} > {number(promised_s)}",
            *_both(chosen, LEAST_TIMED),
        ),
        for_s=300,
        severity="warning",
        summary=f"{chosen.model} {{{{ $labels.release }}}} is slower than the stable release: "
        "p99 {{ $value | humanizeDuration }}",
        description=f"The 99th percentile of release {{{{ $labels.release }}}} of {chosen.model} "
        "was {{ $value | humanizeDuration }} in the last 10 minutes: more than "
        f"{_TIMES_SLOWER} times that of the stable release, and more than the promised "
        f"{number(1000 * promised_s)} ms.",
        anchor="modelcanaryslow",
    )


def _share(chosen: Selected) -> Alert:
    """Held against what chance may do: four standard deviations of a share of so many requests.

    Where a release is not measured, nobody knows the share of any.
    """
    weight = f"sum by ({LABELS}) ({chosen.series(WEIGHT)}) / 100"
    requests = f"(sum by (namespace, model) ({chosen.series(REQUESTS)}) * {_FIVE_MINUTES_S})"
    chance = lines(
        f"sqrt(({weight}) * (1 - {weight})",
        f"/ on (namespace, model) group_left () {requests})",
    )
    return Alert(
        name="ModelShareOff",
        expr=lines(
            f"abs({chosen.series(SHARE)} - on ({LABELS}) ({weight}))",
            f"> on ({LABELS}) ({_OFF} + 4 * {chance})",
            f"and on (namespace, model) {requests} >= {LEAST_SHARED}",
            f"unless on (namespace, model) ({chosen.unmeasured()})",
        ),
        for_s=900,
        severity="warning",
        summary=f"{chosen.model} {{{{ $labels.release }}}} gets another share than git says: "
        "{{ $value | humanizePercentage }} off",
        description=f"The share of release {{{{ $labels.release }}}} of {chosen.model} has been "
        "{{ $value | humanizePercentage }} away from its weight in git for 15 minutes, which is "
        "more than chance gives.",
        anchor="modelshareoff",
    )
