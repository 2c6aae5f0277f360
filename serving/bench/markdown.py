"""Tables and numbers as Markdown."""

from collections.abc import Sequence
from math import isnan

from serving.bench.ratios import Spread

NONE = "-"
SIGNIFICANT = 3


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, words: bool = False
) -> list[str]:
    """The lines of a table; beside the first column are numbers to the right, or words."""
    rule = ["---", *["---" if words else "--:"] * (len(header) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def number(value: float | None) -> str:
    """Counts in full, measures with three significant digits."""
    if value is None or isnan(value):
        return NONE
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    whole = len(str(int(abs(value))))
    digits = max(0, SIGNIFICANT - whole)
    return f"{value:,.{digits}f}".replace(",", " ")


def spread(values: Spread | None) -> str:
    """Median [lowest-highest]."""
    if values is None:
        return NONE
    median, low, high = (number(float(each)) for each in (values.median, values.low, values.high))
    return f"{median} [{low}-{high}]"


def middle(values: Spread | None) -> str:
    """The median alone."""
    return number(float(values.median) if values else None)
