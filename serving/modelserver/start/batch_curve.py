"""How many rows are worth running together, from the time that one run takes with so many."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from modelserver.errors import RequestError

LEAST_GAIN = 1.15
"""Rows run together only if that gives so many times as many rows a second as single rows do."""

NEAR_BEST = 0.9
"""Of the numbers of rows that reach this part of the best rate, the smallest is used."""

# How long a start may take for all the runs; and, on a GPU, for those that choose kernels.
_BUDGET_S = 1.0
_FIRST_RUNS_S = 30.0

# So many runs with one number of rows, or as many as fit into this time, are measured.
_RUNS = 5
_ENOUGH_S = 0.02

# Two rows are always tried. A quick model that gains nothing with four is tried no further.
_TRIED_ROWS, _SEEN_ENOUGH_ROWS = 2, 4

# From here on what one call costs beside its run is small: where two rows gain nothing, four do not
# either. What the memory of a first run costs is small beside it, too.
_LONG_S = 0.01

# A long first run that gains less than this would not gain enough at its second either.
_DOUBTFUL_GAIN = 1.05


def measure(
    run: Callable[[int], None],
    max_rows: int,
    singles: Sequence[float] = (),
    *,
    prepares: bool = False,
) -> dict[int, float]:
    """The shortest seconds of a run by its number of rows: 1, 2, 4 and so on, up to `max_rows`.

    `singles` are the seconds of runs with one row that were made before. `prepares` says that the
    first run with any number of rows chooses or compiles what later ones use, as it does on a GPU:
    it is then not counted. The measurement ends early where more rows gain nothing, are refused,
    or would take too long to try.

    Raises:
        RequestError: The model refuses two rows.
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
    """The fewest rows that give nearly the best rate; 1 if that is hardly above the rate of 1."""
    rates = {rows: rows / seconds for rows, seconds in curve.items()}
    best = max(rates.values())
    if best < rates[1] * LEAST_GAIN:
        return 1
    return min(rows for rows, rate in rates.items() if rate >= best * NEAR_BEST)


def in_words(curve: Mapping[int, float]) -> str:
    """The measurement in words, such as `1 row 0.2 ms, 4 rows 0.9 ms`."""
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
    """Put the shortest of some runs with so many rows into the curve; of one, where it is long.

    A long run that gains is compared with a single row that is run now, since an earlier one may
    have been held up by something else. If it still gains a little it is made once more, since a
    first run also pays for its memory.
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
    """How many times as many rows a second come of so many rows together as of single ones."""
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
