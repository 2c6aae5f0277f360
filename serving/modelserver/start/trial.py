"""Tries to refute that rows are independent, by running rows together and alone.

It proves nothing: a model may depend on other rows only where these hold what was not tried.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from modelserver.errors import RequestError
from modelserver.model.session import Model
from modelserver.tensor.datatypes import Array

# Within these a row must come out of a batch as it does alone, where it is no larger than the
# example: another number of rows takes other paths through the kernels.
_ABSOLUTE, _RELATIVE = 1e-5, 1e-4
# The same with rows of any scale, as part of the largest number in the row.
_OF_LARGEST = 1e-2
# Among as many other rows it must come out nearly to the bit, whatever these hold.
_EXACT = 1e-6

_PAIR = (1.0, 8.0)
_SCALES = (1.0, 8.0, -3.0, 0.01, 300.0, 1e4)
# Whole numbers of rows, which may be indices; where these are refused, the smallest are tried.
_NUMBERS = (0, 1, 2, 3, 100, 10000)
_SMALL_NUMBERS = (0, 1, 0, 1, 0, 1)

_ENOUGH_S = 0.3  # of a model that takes longer fewer rows are tried, but never less than two

Feeds = Mapping[str, Array]


def refuted_because(model: Model, feeds: Feeds) -> str | None:
    """Why two rows together do not give what each of them gives alone; None if they do."""
    try:
        return _alone_and_together(model, _rows(feeds, _PAIR, _NUMBERS))
    except RequestError as error:
        return f"the model does not run with two rows: {error}"


def claim_refuted_because(model: Model, feeds: Feeds) -> str | None:
    """Why rows of many scales, together, alone and each among its like, are not independent."""
    reason = None
    for numbers in (_NUMBERS, _SMALL_NUMBERS):
        rows = _rows(feeds, _SCALES, numbers)
        try:
            return _alone_and_together(model, rows, _OF_LARGEST) or _among_copies(model, rows)
        except RequestError as error:
            reason = f"the model does not run with {len(_SCALES)} rows: {error}"
    return reason


def _alone_and_together(model: Model, rows: Feeds, of_largest: float = 0.0) -> str | None:
    until = time.perf_counter() + _ENOUGH_S
    outputs = model.contract.output_names
    together = model.run(outputs, rows)
    for row in range(_number(rows)):
        if row >= len(_PAIR) and time.perf_counter() > until:
            break
        alone = model.run(outputs, {name: each[row : row + 1] for name, each in rows.items()})
        for name, whole, one in zip(outputs, together, alone, strict=True):
            if whole.shape[:1] != (_number(rows),) or not _is_near(
                whole[row : row + 1], one, of_largest
            ):
                return _depends(name)
    return None


def _among_copies(model: Model, rows: Feeds) -> str | None:
    """As many rows take the same paths through the kernels, so nothing but the others differs."""
    until = time.perf_counter() + _ENOUGH_S
    outputs = model.contract.output_names
    together = model.run(outputs, rows)
    for row in range(_number(rows)):
        if row >= len(_PAIR) and time.perf_counter() > until:
            break
        copies = {name: each[[row] * len(each)] for name, each in rows.items()}
        for name, whole, same in zip(outputs, together, model.run(outputs, copies), strict=True):
            if not _is_near(whole[row : row + 1], same[row : row + 1], _EXACT, exactly=True):
                return _depends(name)
    return None


def _depends(name: str) -> str:
    return f"a row of {name} depends on the other rows of its batch"


def _number(rows: Feeds) -> int:
    return len(next(iter(rows.values())))


def _rows(feeds: Feeds, scales: Sequence[float], numbers: Sequence[int]) -> dict[str, Array]:
    return {name: _rows_of(array, scales, numbers) for name, array in feeds.items()}


def _rows_of(array: Array, scales: Sequence[float], numbers: Sequence[int]) -> Array:
    """Rows that differ as much as rows of one batch may, the first one as it is.

    Of real numbers each is so many times the first, and one more, so that a scale which is taken
    from the whole batch shows, as dynamic quantisation takes one.
    """
    first = array[:1]
    if array.dtype.kind == "f":
        if not first.any():
            first = np.linspace(-0.5, 0.5, first.size).reshape(first.shape).astype(array.dtype)
        with np.errstate(over="ignore"):
            rows = [first, *(first * scale + 1 for scale in scales[1:])]
        return np.concatenate(rows).astype(array.dtype)
    if len(array) >= len(scales):
        return array[: len(scales)]
    most = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else max(numbers)
    others = [str(each) if array.dtype == object else min(each, most) for each in numbers]
    return np.concatenate([first, *(np.full_like(first, each) for each in others[1 : len(scales)])])


def _is_near(found: Array, expected: Array, of_largest: float, *, exactly: bool = False) -> bool:
    """Whether two values of one row are the same but for rounding."""
    if found.shape != expected.shape:
        return False
    if found.dtype.kind != "f":
        return bool((found == expected).all())
    largest = float(
        np.abs(expected, where=np.isfinite(expected), out=np.zeros_like(expected)).max(initial=0)
    )
    absolute = of_largest * largest + (0 if exactly else _ABSOLUTE)
    relative = 0 if exactly else _RELATIVE
    return np.allclose(found, expected, rtol=relative, atol=absolute, equal_nan=True)
