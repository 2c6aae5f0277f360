"""Pruning and quantisation of a model, each kept where it pays."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from numpy.typing import NDArray

from modelctl.errors import UsageError
from modelctl.packaging import prune, quantise, running, savings
from modelctl.packaging.arrays import Arrays
from modelctl.packaging.savings import Cost, Variant

_Maker = Callable[[bytes, Arrays], bytes]

_KINDS = {"auto": ("static", "dynamic"), "static": ("static",), "dynamic": ("dynamic",)}
_DYNAMIC = "dynamic quantisation makes a row's answer depend on the rows that share its run"


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be tried, for which aim, within which loss."""

    quantize: str | None
    prune: float | None
    aim: str
    max_loss_percent: float


@dataclass(frozen=True, slots=True)
class Slimmed:
    """The model that stays, the names of what was kept, and lines for people."""

    model: bytes
    kept: tuple[str, ...] = ()
    is_quantised: bool = False
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Trial:
    """Where a model is tried: its rows, and what the original made of them."""

    rows: Arrays
    reference: Arrays
    truth: NDArray[Any] | None

    def costs(self, models: Sequence[bytes]) -> list[Cost]:
        """What each takes and gets wrong, timed side by side."""
        seconds = running.seconds_a_row(models, self.rows)
        return [self._cost(model, took) for model, took in zip(models, seconds, strict=True)]

    def _cost(self, model: bytes, took: float) -> Cost:
        outputs = running.run(model, self.rows)
        right = None if self.truth is None else savings.quality(outputs, self.truth)
        return Cost(len(model), took, savings.loss_percent(self.reference, outputs), right)


def slimmed(
    model: bytes, rows: Arrays, reference: Arrays, *, truth: NDArray[Any] | None, plan: Plan
) -> Slimmed:
    """The model after what the plan asks for, as far as it pays.

    Raises:
        UsageError: There is nothing to prune or to quantise in it, or the labels are too few.
    """
    count = min(len(each) for each in rows.values())
    if truth is not None and len(truth) != count:
        raise UsageError(f"found {len(truth)} labels, expected one for each of {count} samples")
    tested = _Trial(rows, reference, truth)
    now = Slimmed(model)
    first: Cost | None = None
    variants: list[Variant] = []
    for stage in _stages(plan):
        made, failed = _made(stage, now.model, rows)
        base, *costs = tested.costs([now.model, *made.values()])
        first = first or base
        judged = [
            savings.judged(
                name, cost, base=base, aim=plan.aim, max_loss_percent=plan.max_loss_percent
            )
            for name, cost in zip(made, costs, strict=True)
        ]
        variants += judged
        best = next((each.name for each in judged if each.is_kept), None)
        now = Slimmed(
            model=made[best] if best else now.model,
            kept=(*now.kept, best) if best else now.kept,
            is_quantised=now.is_quantised or best in _KINDS,
            lines=(*now.lines, *failed, *([_DYNAMIC] if best == "dynamic" else [])),
        )
    table = savings.table(first, variants) if first else []
    return replace(now, lines=(*table, *now.lines))


def _made(
    stage: Mapping[str, _Maker], model: bytes, rows: Arrays
) -> tuple[dict[str, bytes], list[str]]:
    """The candidates of a stage by name, and why others could not be made.

    Raises:
        UsageError: None could be made.
    """
    made: dict[str, bytes] = {}
    failed: list[str] = []
    for name, make in stage.items():
        try:
            made[name] = make(model, rows)
        except UsageError as error:
            if len(stage) == 1 + len(failed):
                raise
            failed.append(f"{name}: {error}")
    return made, failed


def _stages(plan: Plan) -> Iterator[Mapping[str, _Maker]]:
    """What is tried side by side; the next stage begins with what this one leaves.

    The first that pays is kept.
    """
    if plan.prune is not None:
        yield {f"pruned {100 * plan.prune:g} %": partial(_pruned, fraction=plan.prune)}
    if plan.quantize is not None:
        yield {kind: partial(_quantised, kind=kind) for kind in _KINDS[plan.quantize]}


def _pruned(model: bytes, rows: Arrays, *, fraction: float) -> bytes:
    return prune.pruned(model, fraction, rows)[0]


def _quantised(model: bytes, rows: Arrays, *, kind: str) -> bytes:
    return quantise.quantised(model, kind, rows)
