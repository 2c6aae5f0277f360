"""Small charts as paths of SVG. Pure: numbers in, text out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 120  # of the drawing; the page stretches it
_SMALLEST = 1e-300  # below it a float has too few digits to be rounded
_STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)  # what the top of a chart may begin with

Numbers = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, its path, and the last number that it has."""

    name: str
    path: str
    last: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the same time, from 0 to `top`; `title` and `unit` are for people."""

    title: str
    unit: str
    top: float
    lines: tuple[Line, ...]

    @property
    def spoken(self) -> str:
        """What the chart shows, for those who cannot see it."""
        measured = [(line.name, line.last) for line in self.lines if line.last is not None]
        told = (f"{name} {last:.3g} {self.unit}" for name, last in measured)
        return f"{self.title} over the last hour; last: {', '.join(told) or 'nothing measured'}"


def chart(title: str, unit: str, series: Mapping[str, Numbers]) -> Chart:
    """A chart of numbers by name; None leaves a gap."""
    highest = max((n for numbers in series.values() for n in numbers if n is not None), default=0)
    top = nice(highest)
    lines = (
        Line(name, _path(numbers, top), next((n for n in reversed(numbers) if n is not None), None))
        for name, numbers in series.items()
    )
    return Chart(title, unit, top, tuple(lines))


def nice(highest: float) -> float:
    """A round number that is not below `highest`."""
    if not _SMALLEST < highest < math.inf:
        return 1.0
    scale: float = 10.0 ** math.floor(math.log10(highest))
    return next(step * scale for step in _STEPS if step * scale >= highest * (1 - 1e-9))


def _path(numbers: Numbers, top: float) -> str:
    """The path of one line; a number alone between gaps is a short stroke."""
    step = WIDTH / max(1, len(numbers) - 1)
    words: list[str] = []
    before: float | None = None
    for index, number in enumerate(numbers):
        if number is not None:
            point = f"{index * step:.1f} {HEIGHT * (1 - number / top):.1f}"
            words.append(f"M{point}h.1" if before is None else f"L{point}")
        before = number
    return "".join(words)
