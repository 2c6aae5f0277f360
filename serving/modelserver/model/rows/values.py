"""What is known of a value in the graph, whatever the number of rows and whatever is in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from modelserver.errors import ModelServerError

ROWS = "rows"
"""The name of the number of rows in a run; every other name is a size that all runs share."""


@dataclass(frozen=True, slots=True)
class Size:
    """A whole number times sizes that have names, such as 8 times the rows."""

    number: int
    names: tuple[str, ...] = ()

    @property
    def literal(self) -> int | None:
        """The number, if it is known."""
        return None if self.names else self.number

    @property
    def counts_rows(self) -> bool:
        """Whether it grows with the number of rows."""
        return ROWS in self.names

    def times(self, other: "Size") -> "Size":
        """The product."""
        return Size(self.number * other.number, tuple(sorted(self.names + other.names)))

    def over(self, other: "Size") -> "Size | None":
        """The quotient, if it is known to be whole."""
        names = list(self.names)
        for name in other.names:
            if name not in names:
                return None
            names.remove(name)
        if other.number == 0 or self.number % other.number:
            return None
        return Size(self.number // other.number, tuple(names))


ONE = Size(1)

Element = Size | float | None
"""An element of a small tensor; None is one that is not known, but the same in all runs."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor.

    Without an `axis` it is the same in every run. With one, its size there is a multiple of the
    number of rows, and the part that belongs to a row is the same function of this row in every
    run, wherever the row stands. `shape` is None where not even the number of dimensions is known;
    never with an axis. `elements` are known of small tensors only; some may count rows, and then
    the value is not the same in every run: whoever takes it must know what that means.
    """

    shape: tuple[Size, ...] | None
    axis: int | None = None
    elements: tuple[Element, ...] | None = None

    @property
    def counts_rows(self) -> bool:
        """Whether an element grows with the number of rows."""
        return any(isinstance(each, Size) and each.counts_rows for each in self.elements or ())

    @property
    def rows(self) -> Size | None:
        """The size of the axis of rows."""
        return None if self.axis is None or self.shape is None else self.shape[self.axis]


@dataclass(frozen=True, slots=True)
class Unproven:
    """A value of which nothing is known; `reason` names the node where that began."""

    reason: str


Known = Value | Unproven


class UnprovenError(ModelServerError):
    """The rule of an operator does not hold here; the message says why."""


def product(sizes: Iterable[Size]) -> Size:
    """The product of sizes."""
    every = tuple(sizes)
    names = sorted(name for each in every for name in each.names)
    return Size(prod(each.number for each in every), tuple(names))


def sizes(numbers: Iterable[int]) -> tuple[Size, ...]:
    """Sizes that are known."""
    return tuple(map(Size, numbers))


def literals(shape: Sequence[Size]) -> list[int] | None:
    """The numbers of sizes that are all known."""
    numbers = [each.literal for each in shape]
    return None if None in numbers else [each for each in numbers if each is not None]
