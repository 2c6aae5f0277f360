"""What a tensor must be: its name, its datatype and its shape."""

from dataclasses import dataclass
from functools import cached_property

from modelserver.errors import InvalidRequest
from modelserver.tensor.datatypes import Datatype

ANY_SIZE = -1
"""Stands in a shape for a size that a client chooses."""

# Elements: no data bounds the sizes beside a 0, yet the outputs may grow with them.
_MAX_BESIDE_ZERO = 1 << 16


@dataclass(frozen=True)  # no slots: `row` is remembered
class TensorSpec:
    """One input or output; `shape` has -1 where any size is allowed."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]

    @cached_property
    def row(self) -> list[int] | None:
        """The sizes after the first, where the first is free and these are fixed; else None."""
        first, inner = self.shape[:1], list(self.shape[1:])
        return inner if first == (ANY_SIZE,) and ANY_SIZE not in inner else None

    def check_shape(self, shape: list[int]) -> None:
        """Return if a tensor may have this shape.

        Raises:
            InvalidRequest: It may not; the error names the axis, as in `shape[1]`.
        """
        if shape and shape[0] and shape[1:] == self.row:
            return  # by far the most frequent case
        promised = self.shape
        if len(shape) != len(promised):
            raise InvalidRequest(
                "shape",
                f"found {len(shape)} dimensions, expected {len(promised)}: {list(promised)}",
            )
        for axis, (size, promise) in enumerate(zip(shape, promised, strict=True)):
            if promise not in {size, ANY_SIZE}:
                raise InvalidRequest(f"shape[{axis}]", f"found {size}, expected {promise}")
        if 0 in shape and max(shape) > _MAX_BESIDE_ZERO:
            raise InvalidRequest(
                "shape", f"found {shape}, expected at most {_MAX_BESIDE_ZERO} beside a 0"
            )
