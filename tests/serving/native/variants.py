"""Other inputs for a model: empty ones, ones of other sizes, ones with extreme values."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Feeds = Mapping[str, Any]
Variant = tuple[str, Feeds]


def empty(feeds: Feeds) -> Iterator[Variant]:
    """Each dimension 0 in turn, all equal ones together, and the first of every input."""
    arrays = {name: each for name, each in feeds.items() if isinstance(each, np.ndarray)}
    for name, array in arrays.items():
        for axis in range(array.ndim):
            yield f"{name}.shape[{axis}]=0", {**feeds, name: np.take(array, [], axis)}
    for size in sorted({size for array in arrays.values() for size in array.shape}):
        yield f"every {size}=0", {**feeds, **{n: _without(a, size) for n, a in arrays.items()}}
    yield "no rows", {**feeds, **{n: a[:0] if a.ndim else a for n, a in arrays.items()}}


def sized(feeds: Feeds) -> Iterator[Variant]:
    """Each dimension larger and smaller in turn, and another number of dimensions."""
    for name, array in feeds.items():
        if not isinstance(array, np.ndarray) or array.size == 0:
            continue
        for axis, size in enumerate(array.shape):
            for other in sorted({1, size - 1, size + 1, 2 * size, 3 * size + 1} - {0, size}):
                changed = np.take(array, np.arange(other) % size, axis)
                yield f"{name}.shape[{axis}]={other}", {**feeds, name: changed}
        for what, changed in {
            "one more in front": array[None],
            "one more behind": array[..., None],
            "flat": array.reshape(-1),
            "one fewer": array[0] if array.ndim else array,
            "scalar": array.reshape(-1)[:1].reshape(()),
        }.items():
            yield f"{name} {what}", {**feeds, name: changed}


def valued(feeds: Feeds) -> Iterator[Variant]:
    """Each input full of an extreme value, and that value in its first or last place alone."""
    for name, array in feeds.items():
        if not isinstance(array, np.ndarray) or array.size == 0:
            continue
        for extreme in _extremes(array):
            for what, place in (
                ("", slice(None)),
                ("first ", slice(1)),
                ("last ", slice(-1, None)),
            ):
                changed = array.copy()
                changed.reshape(-1)[place] = extreme
                yield f"{name} {what}{str(extreme)[:20]!r}", {**feeds, name: changed}


def paired(feeds: Feeds) -> Iterator[Variant]:
    """Every two inputs of whole numbers at their extremes together."""
    whole = [
        n for n, a in feeds.items() if isinstance(a, np.ndarray) and a.dtype.kind in "iu" and a.size
    ]
    for index, one in enumerate(whole):
        for other in whole[index + 1 :]:
            for left in _extremes(feeds[one]):
                for right in _extremes(feeds[other]):
                    yield (
                        f"{one} {left}, {other} {right}",
                        {
                            **feeds,
                            one: np.full_like(feeds[one], left),
                            other: np.full_like(feeds[other], right),
                        },
                    )


KINDS: Mapping[str, Callable[[Feeds], Iterator[Variant]]] = {
    "empty": empty,
    "sized": sized,
    "valued": valued,
    "paired": paired,
}


def _without(array: Any, size: int) -> Any:  # noqa: ANN401 - arrays of any type
    return array[tuple(slice(0 if each == size else None) for each in array.shape)]


def _extremes(array: Any) -> list[Any]:  # noqa: ANN401
    kind = array.dtype.kind
    if kind in "iu":
        low, high = np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
        wanted = (low, high, -1, 0, 1, 1000, 1 << 20, 1 << 31, -(1 << 31), 1 << 40, high // 2)
        return sorted({each for each in wanted if low <= each <= high})
    if kind == "f":
        large = 6e4 if array.dtype.itemsize == 2 else 1e30
        return [np.nan, np.inf, -np.inf, 0.0, -1.0, 0.5, large, -large]
    if kind == "b":
        return [True, False]
    return ["", "[", "x" * 100_000, "\0"] if kind in "OU" else []
