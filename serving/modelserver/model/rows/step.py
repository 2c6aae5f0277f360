"""One node with what is known of its inputs: what the rule of its operator looks at."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from modelserver.model.graph.parts import Node, NodeGraph
from modelserver.model.rows.values import ONE, Known, Size, UnprovenError, Value


class Names:
    """Names of sizes that are not known, each new."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = count(1)

    def new(self) -> Size:
        """A size that nothing else is known to equal."""
        return Size(1, (f"size {next(self._numbers)}",))


Inner = Callable[[NodeGraph, Sequence[Known]], list[Known]]
"""Follows an inner graph: from what is known of its inputs to what is known of its outputs."""


@dataclass(frozen=True, slots=True)
class Step:
    """A node, what is known of its inputs (None: left out), and the version of its domain."""

    node: Node
    inputs: tuple[Value | None, ...]
    opset: int
    names: Names
    inner: Inner

    def given(self, position: int) -> bool:
        """Whether there is such an input."""
        return position < len(self.inputs) and self.inputs[position] is not None

    def value(self, position: int = 0) -> Value:
        """An input that must be there."""
        value = self.inputs[position] if position < len(self.inputs) else None
        if value is None:
            raise UnprovenError(f"input {position} is missing")
        return value

    def shape(self, position: int = 0) -> tuple[Size, ...]:
        """The shape of an input, of which the number of dimensions must be known."""
        shape = self.value(position).shape
        if shape is None:
            raise UnprovenError(f"the number of dimensions of input {position} is not known")
        return shape

    def rank(self, position: int = 0) -> int:
        """The number of dimensions of an input."""
        return len(self.shape(position))

    def integer(self, name: str, default: int) -> int:
        """An attribute that is a whole number."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, int):
            raise UnprovenError(f"attribute {name} is no whole number")
        return value

    def integers(self, name: str) -> list[int] | None:
        """An attribute that is a list of whole numbers; None if it is left out."""
        value = self.node.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, tuple):
            raise UnprovenError(f"attribute {name} is no list")
        return [each for each in value if isinstance(each, int)]

    def text(self, name: str, default: str) -> str:
        """An attribute that is a text."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, str):
            raise UnprovenError(f"attribute {name} is no text")
        return value

    def numbers(self, position: int) -> list[int]:
        """The elements of an input, which must be known whole numbers."""
        elements = self.value(position).elements
        if elements is None:
            raise UnprovenError(f"the values of input {position} are not known")
        found = [each.literal if isinstance(each, Size) else None for each in elements]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            raise UnprovenError(f"the values of input {position} are not known")
        return known

    def list_of(self, name: str, position: int) -> list[int] | None:
        """Numbers that newer versions take as an input, older ones as an attribute."""
        return self.numbers(position) if self.given(position) else self.integers(name)

    def same_everywhere(self, *positions: int) -> None:
        """Return if these inputs, where given, are the same in every run.

        Raises:
            UnprovenError: One of them has rows.
        """
        for position in positions:
            if self.given(position) and self.value(position).axis is not None:
                raise UnprovenError(f"input {position} differs from row to row")

    def new_sizes(self, number: int) -> tuple[Size, ...]:
        """Sizes that are not known."""
        return tuple(self.names.new() for _ in range(number))


def nth(axis: int, rank: int) -> int:
    """An axis counted from the front; one that does not exist proves nothing."""
    counted = axis + rank if axis < 0 else axis
    if not 0 <= counted < rank:
        raise UnprovenError(f"axis {axis} is not there in {rank} dimensions")
    return counted


def together(step: Step, values: Sequence[Value]) -> Value:
    """What comes of values that are broadcast to one shape and combined element by element.

    Rows meet rows only where all values have them at the same axis, counted from the last; a value
    without rows must not have a size of its own there, as a batch of one row would be stretched.
    """
    shapes = [each.shape for each in values]
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes):
        raise UnprovenError("the number of dimensions of an input is not known")
    rank = max(map(len, known), default=0)
    axis = _common_axis(values, rank)
    padded = [(ONE,) * (rank - len(shape)) + shape for shape in known]
    shape = tuple(
        _stretched(step, [each[place] for each in padded], is_rows=place == axis)
        for place in range(rank)
    )
    return Value(shape, axis)


def _common_axis(values: Sequence[Value], rank: int) -> int | None:
    axes = {
        each.axis + rank - len(each.shape)
        for each in values
        if each.axis is not None and each.shape is not None
    }
    if len(axes) > 1:
        raise UnprovenError(f"rows of one input meet rows of another: axes {sorted(axes)}")
    return next(iter(axes), None)


def _stretched(step: Step, found: Sequence[Size], *, is_rows: bool) -> Size:
    """The size that comes of sizes at one place."""
    distinct = [each for each in dict.fromkeys(found) if each != ONE]
    if not distinct:
        return ONE
    if len(distinct) == 1:
        return distinct[0]
    if is_rows:
        raise UnprovenError("rows meet a size of their own at the same axis")
    known = [each for each in distinct if each.literal is not None]
    return known[0] if known else step.names.new()
