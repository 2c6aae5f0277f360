"""Ratios of our server to another, as medians of pairs measured in the same round."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from serving.bench import bare, contestants
from serving.bench.results import Cell, Results, Start


@dataclass(frozen=True)
class Column:
    """What one column of a table shows."""

    model: str
    encoding: str
    concurrency: int


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest over the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """The spread of `values`; None when there are none."""
        known = sorted(values)
        return cls(median(known), known[0], known[-1]) if known else None


Rounds = Mapping[int, float]
"""One value for each round."""


def of_cells(
    results: Results,
    layout: str,
    column: Column,
    contestant: str,
    value: Callable[[Cell], float],
) -> Rounds:
    """`value` of a contestant's cell in every round in which it answered.

    The bare runtime has one cell for all columns.
    """
    is_bare = contestant == bare.NAME
    return {
        cell.where.round: value(cell)
        for cell in results.cells
        if cell.requests
        and (cell.where.layout, cell.where.model) == (layout, column.model)
        and cell.where.contestant == contestant
        and (is_bare or (cell.encoding, cell.concurrency) == (column.encoding, column.concurrency))
    }


def of_starts(
    results: Results, layout: str, model: str, contestant: str, value: Callable[[Start], float]
) -> Rounds:
    """`value` of a contestant's start in every round."""
    return {
        start.where.round: value(start)
        for start in results.starts
        if (start.where.layout, start.where.model) == (layout, model)
        and start.where.contestant == contestant
    }


def paired(ours: Rounds, other: Rounds) -> Spread | None:
    """Ours divided by the other's, round by round; without rounds in which the other has 0."""
    return Spread.of(
        ours[number] / other[number] for number in ours.keys() & other.keys() if other[number]
    )


def best(all_of: Iterable[Rounds]) -> Rounds:
    """The highest value of each round."""
    found: dict[int, float] = {}
    for rounds in all_of:
        for number, value in rounds.items():
            found[number] = max(value, found.get(number, value))
    return found


def throughput(results: Results, layout: str, column: Column, contestant: str) -> Spread | None:
    """Our good answers a second divided by another's."""
    ours = of_cells(results, layout, column, contestants.OURS.name, lambda cell: cell.per_s)
    other = of_cells(results, layout, column, contestant, lambda cell: cell.per_s)
    return paired(ours, other)
