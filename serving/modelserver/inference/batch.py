"""Several calls as one run of the model. Nothing but the run has an effect."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from modelserver.codec.calls import Call
from modelserver.errors import RequestError
from modelserver.model.session import Model
from modelserver.tensor.datatypes import Array

Outcome = list[Array] | RequestError
"""The arrays of one call's outputs, or why it has none."""


class Ran(NamedTuple):
    """One run of the model: the outcome of each call, when it began, how long it took, its rows."""

    outcomes: Sequence[Outcome]
    began: float
    run_s: float
    rows: int


def execute(model: Model, calls: Sequence[Call]) -> list[Outcome]:
    """The outcome of each call; all of them must have the same `key`.

    If the batch as a whole fails, each call is run alone, so that a bad one fails alone.
    """
    if len(calls) == 1:
        return [_alone(model, calls[0])]
    first = calls[0]
    try:
        feeds = {name: np.concatenate([call.feeds[name] for call in calls]) for name in first.feeds}
        arrays = model.run(first.outputs, feeds)
    except (RequestError, MemoryError):
        return [_alone(model, call) for call in calls]
    bounds = list(accumulate((call.rows for call in calls), initial=0))
    if any(array.shape[:1] != (bounds[-1],) for array in arrays):
        return [_alone(model, call) for call in calls]
    return [[array[start:stop] for array in arrays] for start, stop in pairwise(bounds)]


def _alone(model: Model, call: Call) -> Outcome:
    try:
        return model.run(call.outputs, call.feeds)
    except RequestError as error:
        return error
