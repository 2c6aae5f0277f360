"""What the first runs of a model tell: that it runs, how long it takes, and how to call it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from modelserver.errors import ModelOutOfMemory, RequestError, RequestTooLarge, WarmUpFailed
from modelserver.model.contract import Contract
from modelserver.model.rows.independence import Independence, no_batch_because
from modelserver.model.session import Model
from modelserver.start import batch_curve
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE, TensorSpec

INLINE_BELOW_S = 0.001
"""A model that is quicker than this runs in the event loop: another thread would cost more."""

INLINE_BATCH_BELOW_S = 0.005
"""The same bound for its largest batch, for which health checks have to wait."""

# So many runs with one row, or as many as fit into this time, are measured.
_RUNS = 5
_ENOUGH_S = 0.03

_BF16_ONE = 0x3F80  # the bits of 1

Feeds = Mapping[str, Array]
Refute = Callable[[Model, Feeds], str | None]


@dataclass(frozen=True, slots=True)
class Profile:
    """What was measured at start.

    `run_s` is the median time of one run with one row. `unbatched_because` says why rows of several
    requests do not run together; None if they do, at most `useful_rows` of them. `takes_no_rows`
    says whether a batch of 0 rows works. `curve` has the seconds of one run by its number of rows.
    `ends` says whether every run is known to end.
    """

    run_s: float
    unbatched_because: str | None
    takes_no_rows: bool
    useful_rows: int = 1
    curve: Mapping[int, float] = field(default_factory=dict)
    ends: bool = True

    @property
    def inline(self) -> bool:
        """Whether every run is short enough for the event loop, the largest batch included."""
        return self.ends and self.run_s < INLINE_BELOW_S and not self.is_long

    @property
    def is_long(self) -> bool:
        """Whether the largest batch takes too long for the event loop."""
        return self.curve.get(self.useful_rows, self.run_s) >= INLINE_BATCH_BELOW_S


def measure(
    model: Model,
    example: Feeds | None,
    independence: Independence,
    *,
    max_rows: int = 32,
    first_s: float | None = None,
) -> Profile:
    """Warm the model up and measure it, on `example`, or else on input that is made up.

    At most `max_rows` rows may run together, if what is known of their `independence` allows it.
    `first_s` are the seconds of a first run with one row, if there has been one.

    Raises:
        WarmUpFailed: The model cannot run.
        ModelOutOfMemory: Memory is short for it.
    """
    feeds = example or synthetic(model.contract)
    reason = _unbatched_because(model, independence) if max_rows > 1 else "batching is off"
    try:
        singles = _single_runs(model, feeds, first_s)
    except RequestError as error:
        if isinstance(error, RequestTooLarge):
            raise ModelOutOfMemory(str(error)) from error
        remedy = "" if example else "; give the release a golden file, whose first case is used"
        raise WarmUpFailed(f"the model cannot run once: {error}{remedy}") from error
    run_s = median(singles)
    if reason:
        return Profile(run_s, reason, takes_no_rows=_takes_no_rows(model, feeds))
    from modelserver.start import trial  # noqa: PLC0415 - where rows share runs alone

    refute = trial.claim_refuted_because if independence.is_trusted else trial.refuted_because
    reason, rows, curve = _batches(model, feeds, max_rows, singles, refute)
    takes_no_rows = _takes_no_rows(model, feeds, give_back=rows == 1)
    return Profile(run_s, reason, takes_no_rows, rows, curve)


def _batches(
    model: Model, feeds: Feeds, max_rows: int, singles: Sequence[float], refute: Refute
) -> tuple[str | None, int, dict[int, float]]:
    """Why rows run alone (None: they run together), how many at most, and what a run takes."""
    one = _one_row(feeds)
    outputs = model.contract.output_names

    def run(rows: int) -> None:
        model.run(outputs, {name: np.repeat(each, rows, axis=0) for name, each in one.items()})

    try:
        curve = batch_curve.measure(run, max_rows, singles, prepares=not model.on_cpu)
    except RequestError as error:
        return f"the model does not run with two rows: {error}", 1, {}
    rows = batch_curve.useful_rows(curve)
    if rows == 1:
        return f"rows together gain nothing ({batch_curve.in_words(curve)})", 1, curve
    if reason := refute(model, feeds):
        return reason, 1, {}
    return None, rows, curve


def _single_runs(model: Model, feeds: Feeds, first_s: float | None) -> list[float]:
    """The seconds of each of a few runs with one row.

    The first one pays for its memory and is left out, unless it takes so long on a CPU that this
    hardly counts: then it is the only one.
    """
    one = feeds if no_batch_because(model.contract) else _one_row(feeds)
    if first_s is None:
        first_s = _seconds(model, one)
    if model.on_cpu and first_s >= _ENOUGH_S:
        return [first_s]
    times: list[float] = []
    while len(times) < _RUNS and sum(times) < _ENOUGH_S:
        times.append(_seconds(model, one))
    return times


def _seconds(model: Model, feeds: Feeds) -> float:
    start = time.perf_counter()
    model.run(model.contract.output_names, feeds)
    return time.perf_counter() - start


def _one_row(feeds: Feeds) -> dict[str, Array]:
    return {name: array[:1] for name, array in feeds.items()}


def synthetic(contract: Contract, rows: int = 1) -> dict[str, Array]:
    """Input that fits the contract: of so many rows, and of size 1 where another size is free.

    The first row holds zeros, the second ones, and so on.
    """
    return {spec.name: _example(spec, rows) for spec in contract.inputs}


def _example(spec: TensorSpec, rows: int) -> Array:
    shape = [1 if size == ANY_SIZE else size for size in spec.shape]
    if spec.shape and spec.shape[0] == ANY_SIZE:
        shape[0] = rows
    numbers = np.zeros(shape, np.int64)
    if numbers.ndim:
        numbers[1::2] = 1
    if spec.datatype.name == "BYTES":
        return numbers.astype(str).astype(object)
    if spec.datatype.name == "BF16":
        return (numbers * _BF16_ONE).astype(np.uint16)
    return numbers.astype(spec.datatype.dtype)


def _unbatched_because(model: Model, independence: Independence) -> str | None:
    """Why rows of several requests never run together; None if they may."""
    if reason := no_batch_because(model.contract):
        return reason
    if independence.may_share:
        return None
    return f"a row may depend on the others: {independence.why_not}"


def _takes_no_rows(model: Model, feeds: Feeds, *, give_back: bool = False) -> bool:
    """Whether a batch may be empty.

    `give_back` gives the memory of the runs before back to the system, with the one that is tried
    here. A batch dimension that is fixed needs no try: the contract's shapes decide.
    """
    outputs = model.contract.output_names
    if no_batch_because(model.contract):
        return True
    try:
        model.run(outputs, {name: each[:0] for name, each in feeds.items()}, give_back=give_back)
    except RequestError:
        if give_back:
            model.run(outputs, _one_row(feeds), give_back=True)
        return False
    return True
