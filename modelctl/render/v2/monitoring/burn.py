"""Alerts on promises: how fast the failures that a month may have are used up.

Source: Google's SRE workbook, "Alerting on SLOs", multiwindow and multi-burn-rate alerts. The long
window says that it matters, the short one that it still goes on; both of the same release.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from modelctl.render.v2.monitoring import buckets, recording
from modelctl.render.v2.monitoring.alert import Alert
from modelctl.render.v2.monitoring.promql import ERRORS, SLOW, Selected, lines, number
from modelctl.repo.kinds import Model

LEAST_BAD = 10
"""Bad answers in the long window before anybody is told: fewer are no rate."""

_SLOW_SHARE = 0.01  # what a promise of the 99th percentile lets be slower
_MINUTES = 60  # seconds between two recorded values, each a rate a second


@dataclass(frozen=True, slots=True)
class _Burn:
    long: str
    short: str
    factor: float
    severity: Literal["critical", "warning"]
    for_s: int


# At 14.4 times the promised share 2 % of a month's failures are gone in the hour, at 6 times 5 %
# in six hours; at once 10 % in three days, which is no reason to wake anybody.
_BURNS = (
    _Burn("1h", "5m", 14.4, "critical", 120),
    _Burn("6h", "30m", 6, "critical", 120),
    _Burn("3d", "6h", 1, "warning", 900),
)


@dataclass(frozen=True, slots=True)
class _Promise:
    """What is promised: the share of answers that may be bad, and the words for them."""

    alert: str
    what: str
    recorded: str
    share: float
    words: str
    anchor: str


def alerts(model: Model) -> Iterator[Alert]:
    """Three of each promise; none of a promise that lets every answer be bad."""
    level, chosen = model.service_level, Selected.of(model)
    from_ms = buckets.slow_from_s(level.latency_p99_ms) * 1000
    slow = (
        f"took longer than {number(from_ms)} ms, which {_promised(level.latency_p99_ms, from_ms)}"
    )
    for promise in (
        _Promise("ModelErrors", "errors", ERRORS, level.error_rate, "failed", "modelerrors"),
        _Promise("ModelSlow", "slow", SLOW, _SLOW_SHARE, slow, "modelslow"),
    ):
        if promise.share < 1:
            yield from (_alert(chosen, promise, burn) for burn in _BURNS)


def _promised(latency_p99_ms: float, from_ms: float) -> str:
    promise = f"{number(latency_p99_ms)} ms"
    if from_ms == latency_p99_ms:
        return "is the promise"
    return f"is the first bound of the server's histogram past the promise of {promise}"


def threshold(share: float, factor: float) -> float:
    """The share of bad answers that an alert begins at.

    A multiple of a lax promise would be more than all answers and never be reached: it is at most
    half-way from the promise to all.
    """
    return min(factor * share, (1 + share) / 2)


def _alert(chosen: Selected, promise: _Promise, burn: _Burn) -> Alert:
    most = number(threshold(promise.share, burn.factor))
    bad = f"sum_over_time({chosen.series(promise.recorded)}[{burn.long}]) * {_MINUTES}"
    return Alert(
        name=promise.alert,
        expr=lines(
            f"{chosen.series(recording.ratio(promise.what, burn.long))} > {most}",
            f"and {chosen.series(recording.ratio(promise.what, burn.short))} > {most}",
            f"and {bad} >= {LEAST_BAD}",
            chosen.weighted(),
        ),
        for_s=burn.for_s,
        severity=burn.severity,
        summary=f"{chosen.model} {{{{ $labels.release }}}}: {{{{ $value | humanizePercentage }}}} "
        f"of the requests of {burn.long} {'failed' if promise.what == 'errors' else 'were slow'}",
        description=f"{{{{ $value | humanizePercentage }}}} of the requests to release "
        f"{{{{ $labels.release }}}} of {chosen.model} in the last {burn.long}, and more than "
        f"{number(100 * float(most))} % of those in the last {burn.short}, {promise.words}. "
        f"{number(100 * promise.share)} % may.",
        anchor=promise.anchor,
        labels={"window": burn.long},
    )
