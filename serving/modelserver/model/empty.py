"""Answers to requests without elements, for models that must not be run on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from modelserver.errors import InvalidRequest
from modelserver.model.contract import Contract
from modelserver.tensor.datatypes import Array

Place = tuple[str, int]
"""An input's name and an axis."""

Shape = tuple[int | Place, ...]
"""Of an output: each size is a number, or that of a place."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """What runs showed: the shapes of outputs, of sizes at the places that were varied."""

    outputs: Mapping[str, Shape] = field(default_factory=dict)
    varied: frozenset[Place] = frozenset()


def answer(
    contract: Contract,
    shapes: Shapes,
    why: str,
    outputs: Sequence[str],
    feeds: Mapping[str, Array],
) -> list[Array]:
    """The outputs for input without elements, which have none either.

    Raises:
        InvalidRequest: They may have some, which nobody can know without running the model.
    """
    empty = {
        (name, axis)
        for name, array in feeds.items()
        for axis, size in enumerate(array.shape)
        if size == 0
    }
    found = [_shape(shapes.outputs.get(name), feeds) for name in outputs]
    if not empty <= shapes.varied or not all(shape and 0 in shape for shape in found):
        name = min(empty)[0]
        shape = list(feeds[name].shape)
        raise InvalidRequest(
            "inputs",
            f"found {name} of shape {shape}, expected at least one element: {why}",
        )
    dtypes = {spec.name: spec.datatype.dtype for spec in contract.outputs}
    return [np.zeros(shape, dtypes[name]) for name, shape in zip(outputs, found, strict=True)]


def _shape(known: Shape | None, feeds: Mapping[str, Array]) -> list[int]:
    return [
        size if isinstance(size, int) else feeds[size[0]].shape[size[1]] for size in known or ()
    ]
