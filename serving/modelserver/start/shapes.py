"""What a few small runs show of shapes: what the outputs are, and which sizes must be equal."""

import time
from collections.abc import Mapping
from contextlib import suppress

import numpy as np

from modelserver.errors import RequestError
from modelserver.model import contract as contracts
from modelserver.model import failures, promise
from modelserver.model.contract import SharedSize
from modelserver.model.promise import Run
from modelserver.model.session import Model
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE

Feeds = Mapping[str, Array]

# Two sizes that differ, and that nothing broadcasts as it would a size of 1.
_SIZE, _OTHER_SIZE = 2, 3

# Of a run: one of two rows is then no burden for the start.
_SHORT_S = 0.01


class MemoryPlannedWrongly(Exception):  # noqa: N818 - says what happened
    """ONNX Runtime took two sizes for equal because the graph gives them one name."""


def check_outputs(model: Model, feeds: Feeds) -> float:
    """The seconds of a run, if it gives what the contract promises.

    The run has one row if the number of rows is free. It is then made with two as well, unless it
    takes long and no output is promised with a fixed number of rows.

    Raises:
        ContractMismatch: A run gives something else.
        InvalidRequest, InferenceFailed: The model does not run with one row.
    """
    contract = model.contract
    rows = 1 if contract.rows_are_free else None
    began = time.perf_counter()
    runs = [_run(model, feeds, rows)]
    seconds = time.perf_counter() - began
    promise.check(contract, runs)
    doubtful = any(spec.shape[:1] != (ANY_SIZE,) for spec in contract.outputs)
    if rows and (doubtful or seconds < _SHORT_S):
        with suppress(RequestError):  # it may be a model for single rows
            runs.append(_run(model, feeds, 2))
        promise.check(contract, runs)
    return seconds


def _run(model: Model, feeds: Feeds, rows: int | None) -> Run:
    if rows is not None:
        feeds = {name: sized(array, 0, rows) for name, array in feeds.items()}
    arrays = model.run(model.contract.output_names, feeds)
    return Run(rows, tuple(array.shape for array in arrays))


def shared_sizes(model: Model, feeds: Feeds) -> tuple[SharedSize, ...]:
    """The sizes that must be equal in several places: those for which others do not run.

    `feeds` is input that runs. Where no input can be made that would tell, nothing is bound.

    Raises:
        MemoryPlannedWrongly: Different sizes only fail because memory was planned for equal ones.
    """
    found = (_needed(model, feeds, size) for size in contracts.shared_sizes(model.graph))
    return tuple(size for size in found if len(size.places) > 1)


def _needed(model: Model, feeds: Feeds, size: SharedSize) -> SharedSize:
    """The places of a size that must be as all others are; none if nothing can be told."""
    equal = dict(feeds)
    for name, axis in size.places:
        equal[name] = sized(equal[name], axis, _SIZE)
    places = []
    if _runs(model, equal):
        for name, axis in size.places:
            if not _runs(model, {**equal, name: sized(equal[name], axis, _OTHER_SIZE)}):
                places.append((name, axis))
    return SharedSize(size.name, tuple(places))


def _runs(model: Model, feeds: Feeds) -> bool:
    try:
        model.run(model.contract.output_names, feeds)
    except RequestError as error:
        if failures.blames_reuse(error):
            raise MemoryPlannedWrongly from error
        return False
    return True


def sized(array: Array, axis: int, size: int) -> Array:
    """The array with another size along an axis: its first parts, repeated as often as needed."""
    if array.shape[axis] == 0:
        return array
    sized: Array = np.take(array, np.arange(size) % array.shape[axis], axis)
    return sized
