"""What runs of a model take of this process's memory: seen in its first runs, then tried out.

The memory of a row tells how many rows one request may have. Every run of the start is looked at;
a model whose runs are short is then tried with more and more rows, until the memory that they take
is much more than chance.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields

import numpy as np

from modelserver.errors import RequestError
from modelserver.model.contract import Contract
from modelserver.model.session import Model
from modelserver.start import usage
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE

NOISE_BYTES = 512 << 10
"""What a run seems to take may be wrong by so much: the C library and the kernel count in steps."""

QUICK_S = 0.001
"""A run that is shorter than this is not felt by health checks, which wait for it."""

# More rows may take so many times more each: ONNX Runtime's arena grows in steps.
_UNEVEN = 1.5

_SURE_BYTES = 8 * NOISE_BYTES  # what seems to be taken is believed from here on

# The trial ends with such a run, or where one would take longer, or more of what runs may have.
_LONGEST_RUN_S, _LONGEST_S = 0.05, 0.1
_PART_OF_START = 10  # of the time that the start has taken already, where that is more
_PART_OF_ROOM = 4
_FACTOR = 4  # as many times as many rows as before
_MOST_ROWS = 1 << 20

Feeds = Mapping[str, Array]
Dimensions = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Footprint:
    """What runs take.

    `row_bytes` is the memory of a run for each row, `answer_row_bytes` that of the arrays which it
    gives (None: sizes other than the number of rows are free, or there are no rows). `quick` are
    sizes, as `dimensions` has them, with which a run was quick enough for the event loop.
    """

    row_bytes: float | None = None
    answer_row_bytes: float | None = None
    quick: tuple[Dimensions, ...] = ()


def dimensions(free: Sequence[tuple[str, int]], feeds: Feeds) -> Dimensions:
    """The sizes that a client chose; `free` are the inputs and axes where one does."""
    return tuple([feeds[name].shape[axis] for name, axis in free])


def free_axes(contract: Contract) -> tuple[tuple[str, int], ...]:
    """Each input and axis whose size a client chooses; of rows that all inputs share, the first."""
    axes = [
        (spec.name, axis)
        for spec in contract.inputs
        for axis, size in enumerate(spec.shape)
        if size == ANY_SIZE
    ]
    return tuple(axes[:1] if has_rows(contract) else axes)


def has_rows(contract: Contract) -> bool:
    """Whether the number of rows is all that a client chooses of the inputs' sizes."""
    return bool(contract.inputs) and all(spec.row is not None for spec in contract.inputs)


class Seen:
    """What this process held at the most, by the number of rows of the first run with so many.

    Where the kernel does not forget an earlier peak, what is still in use after a run counts: ONNX
    Runtime's arena keeps what it took.
    """

    def __init__(self) -> None:
        self.taken: dict[int, int] = {}
        self.answers: dict[int, int] = {}
        self.forget()

    def forget(self) -> None:
        """Count from what is held now."""
        usage.forget_peak()
        now = usage.read()
        self._base = now.resident
        self._forgets = now.peak < now.resident + NOISE_BYTES

    def look(self, rows: int, arrays: Sequence[Array]) -> None:
        """Take notice of a run that gave these arrays; they are still held."""
        now = usage.read()
        held = now.peak if self._forgets else now.resident
        self.taken[rows] = max(0, held - self._base)
        self.answers[rows] = sum(array.nbytes for array in arrays)

    def of_a_row(self) -> tuple[float, float] | None:
        """Bytes for a row: that a run takes, and of the arrays it gives; None without a run.

        What the first run took for good, such as pages of the library, is no row's. Where too
        little was taken to tell, a row takes what it gives, for certain: the arena's bound then
        tells of a run that takes more.
        """
        if not any(self.taken):
            return None
        rows, fewest = max(self.taken), min(filter(None, self.taken))
        taken, apart = self.taken[rows], rows
        if rows > fewest:
            taken, apart = taken - self.taken[fewest], rows - fewest
        answer = self.answers[rows] / rows
        return (_UNEVEN * taken / apart if taken >= _SURE_BYTES else answer), answer


@dataclass(frozen=True)
class Watched(Model):
    """A model whose first run with each number of rows is looked at."""

    seen: Seen = field(default_factory=Seen)

    def run(self, outputs: Sequence[str], feeds: Feeds, *, give_back: bool = False) -> list[Array]:
        """As the model's own."""
        arrays = super().run(outputs, feeds, give_back=give_back)
        rows = _rows(feeds)
        if rows not in self.seen.taken:
            self.seen.look(rows, arrays)
        return arrays


def watch(model: Model) -> Watched:
    """The model, looked at from now on."""
    return Watched(**{each.name: getattr(model, each.name) for each in fields(model)})


def measure(
    watched: Watched, feeds: Feeds, *, run_s: float, room_bytes: int, spent_s: float = 0.0
) -> Footprint:
    """What runs take, after more of them on the first row of `feeds` where they are short.

    A run on one row takes `run_s`. `room_bytes` are there for all that a run takes, and `spent_s`
    were spent on the model before; the trial uses a part of both.
    """
    contract = watched.contract
    free = free_axes(contract)
    rows_are_free = bool(free) and contract.rows_are_free
    one = {name: array[:1] for name, array in feeds.items()} if rows_are_free else dict(feeds)
    watched.spare.update(one)  # as the model's own, which is the same dictionary
    quick = [dimensions(free, one)] if run_s < QUICK_S else []
    found = watched.seen.of_a_row()
    longest_s = max(_LONGEST_RUN_S, spent_s / _PART_OF_START)
    if rows_are_free and run_s * _FACTOR < longest_s:
        with suppress(RequestError):
            quick, found = _try_more_rows(watched, one, free, room_bytes, longest_s)
    if found is None or not has_rows(contract):
        return Footprint(quick=tuple(quick))
    return Footprint(*found, tuple(quick))


def _try_more_rows(
    model: Model,
    one: Feeds,
    free: Sequence[tuple[str, int]],
    room_bytes: int,
    longest_s: float,
) -> tuple[list[Dimensions], tuple[float, float] | None]:
    """Run with more and more rows: the sizes with which a run was quick, and what a row took.

    Raises:
        RequestError: The model does not run on the one row.
    """
    quick: list[Dimensions] = []
    until = time.process_time() + max(_LONGEST_S, longest_s)
    arrays = model.run(model.contract.output_names, one, give_back=True)
    answer_bytes = sum(array.nbytes for array in arrays)
    watched = watch(model)
    rows, taken_s, taken = 1, 0.0, 0
    row_bytes = sum(array.nbytes for array in one.values()) + answer_bytes
    while (
        rows <= _MOST_ROWS
        and time.process_time() + taken_s * _FACTOR < until
        and taken_s * _FACTOR < longest_s
        and taken < _SURE_BYTES
        and max(taken * _FACTOR, row_bytes * rows) < room_bytes // _PART_OF_ROOM
    ):
        feeds = {name: np.repeat(array, rows, axis=0) for name, array in one.items()}
        watched.seen.forget()
        try:
            taken_s = _seconds(watched, feeds)
        except RequestError:
            break
        if taken_s < QUICK_S:
            quick.append(dimensions(free, feeds))
        taken = watched.seen.taken[rows]
        rows *= _FACTOR
    return quick, watched.seen.of_a_row()


def _seconds(model: Model, feeds: Feeds) -> float:
    """The seconds of a run, of the CPU's time: other processes must not make a model look slow."""
    began = time.process_time()
    model.run(model.contract.output_names, feeds, give_back=True)
    return time.process_time() - began


def _rows(feeds: Feeds) -> int:
    """The number of rows, 1 where there are none."""
    for array in feeds.values():
        return array.shape[0] if array.ndim else 1
    return 1
