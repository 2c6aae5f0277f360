"""How many rows at once are worth it: the time of one run by its number of rows."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from modelserver.errors import RequestError

LEAST_GAIN = 1.15
"""Rows run together only where that gives this many times the rows a second of single ones."""

NEAR_BEST = 0.9
"""Of the numbers of rows that give so much of the best rate, the smallest is used."""

_BUDGET_S = 1.0
_FIRST_RUNS_S = 30.0
_RUNS = 5
_ENOUGH_S = 0.02
_TRIED_ROWS, _SEEN_ENOUGH_ROWS = 2, 4
_LONG_S = 0.01
"""What calls of a model save when made together is small beside one run that takes so long: where
two rows gain nothing, four do not either. What the memory of its first run costs is small, too."""

_DOUBTFUL_GAIN = 1.05
"""A long first run that gains less would not gain enough at its second either."""


def measure(
    run: Callable[[int], None],
    max_rows: int,
    singles: Sequence[float] = (),
    *,
    prepares: bool = False,
) -> dict[int, float]:
    """Shortest seconds of a run by number of rows: 1, 2, 4 and so on, up to `max_rows`.

    `singles` are the seconds of runs with one row that were made before. Where `prepares`, the
    first run with any number of rows chooses or compiles what the later ones use, as on a GPU, and
    is not counted. It ends early where more rows gain nothing, are refused, or would take too long
    to try. Raises the `RequestError` of a model that refuses two rows.
    """
    until = time.perf_counter() + _BUDGET_S
    curve = {1: _best_s(run, 1, singles)}
    first_runs_s = 0.0
    for rows in _sizes(max_rows):
        left_s = until + first_runs_s - time.perf_counter()
        longest_s = min(s / n for n, s in curve.items()) * rows * 2
        if longest_s > left_s or first_runs_s > _FIRST_RUNS_S:
            break
        try:
            if prepares:
                first_runs_s += _seconds(run, rows)
                curve[rows] = _best_s(run, rows)
            else:
                _add(run, rows, curve)
        except RequestError:
            if rows == _TRIED_ROWS:
                raise
            break
        enough = _TRIED_ROWS if curve[1] >= _LONG_S else _SEEN_ENOUGH_ROWS
        if rows >= enough and useful_rows(curve) == 1:
            break
    if useful_rows(curve) > 1:  # whatever else ran beside the first runs made them look slow
        curve[1] = min(curve[1], _best_s(run, 1))
    return curve


def useful_rows(curve: Mapping[int, float]) -> int:
    """The fewest rows that give nearly the best rate; 1 where that is hardly above 1 row's."""
    rates = {rows: rows / seconds for rows, seconds in curve.items()}
    best = max(rates.values())
    if best < rates[1] * LEAST_GAIN:
        return 1
    return min(rows for rows, rate in rates.items() if rate >= best * NEAR_BEST)


def in_words(curve: Mapping[int, float]) -> str:
    """Such as ``1 row 0.2 ms, 4 rows 0.9 ms``."""
    return ", ".join(
        f"{rows} row{'s' * (rows > 1)} {seconds * 1000:.2g} ms" for rows, seconds in curve.items()
    )


def _sizes(max_rows: int) -> Iterator[int]:
    rows = _TRIED_ROWS
    while rows < max_rows:
        yield rows
        rows *= 2
    if max_rows > 1:
        yield max_rows


def _add(run: Callable[[int], None], rows: int, curve: dict[int, float]) -> None:
    """Put the shortest of some runs with so many rows into the curve; of one, where that tells.

    A long run that gains is held against a single one of now, as an earlier one may have been held
    up. If it still gains a little it is made again, as it may have paid for its memory.
    """
    curve[rows] = _seconds(run, rows)
    if curve[rows] < _LONG_S:
        curve[rows] = _best_s(run, rows)
        return
    if rows == _TRIED_ROWS and _gain(curve, rows) >= _DOUBTFUL_GAIN:
        curve[1] = min(curve[1], _seconds(run, 1))
    if _DOUBTFUL_GAIN <= _gain(curve, rows) < LEAST_GAIN:
        curve[rows] = min(curve[rows], _seconds(run, rows))


def _gain(curve: Mapping[int, float], rows: int) -> float:
    """Rows a second beside those of single runs."""
    return curve[1] * rows / curve[rows]


def _best_s(run: Callable[[int], None], rows: int, known: Sequence[float] = ()) -> float:
    """The shortest of some runs."""
    times = list(known)
    while not times or (len(times) < _RUNS and sum(times) < _ENOUGH_S):
        times.append(_seconds(run, rows))
    return min(times)


def _seconds(run: Callable[[int], None], rows: int) -> float:
    start = time.perf_counter()
    run(rows)
    return time.perf_counter() - start
