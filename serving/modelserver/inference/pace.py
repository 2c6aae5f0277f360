"""Which calls are quick enough for the event loop, from the runs that were observed.

A call runs there only if a run whose sizes were at least as large was quick. Any other one runs in
the thread, where it holds up nobody, and teaches what its sizes take.
"""

import sys
from collections.abc import Sequence

from modelserver.codec.calls import Call
from modelserver.start.footprint import QUICK_S, Dimensions, dimensions

LONG_S = 0.005
"""A run in the event loop that was longer is one too many: health checks had to wait for it."""

TRIALS = 32
"""After such a run so many quick ones in the thread, one after the other, lead back."""

NONE = -1
"""Rows of no call: not even of one without any."""

_MOST_SIZES = 16  # that are remembered; each look at a call compares it with all of them


class Pace:
    """Sizes of calls of one model that run quickly; all methods belong to the event loop.

    `free` are the inputs and axes whose sizes a client chooses; `quick` are sizes known to be. With
    `never` no call is quick. A small call of at most `quick_rows` rows needs no other look: it is
    quick, and takes little memory. Unless `rows_tell` all that a client chooses, and for more than
    `most_rows` of them, each call is looked at.
    """

    __slots__ = ("_free", "_known", "_left", "_most_rows", "_never", "quick_rows")

    def __init__(
        self,
        free: Sequence[tuple[str, int]] = (),
        quick: Sequence[Dimensions] = (),
        *,
        never: bool = False,
        rows_tell: bool = True,
        most_rows: int = sys.maxsize,
    ) -> None:
        self._free = tuple(free)
        self._never = never
        self._most_rows = most_rows if rows_tell else NONE
        self._known: list[Dimensions] = []
        self._left = 0
        self.quick_rows = NONE
        for each in quick:
            self._add(each)

    @property
    def any_quick(self) -> bool:
        """Whether there are calls that run in the event loop."""
        return bool(self._known)

    def is_quick(self, call: Call) -> bool:
        """Whether a call may run in the event loop."""
        found = dimensions(self._free, call.feeds)
        return any(map(_within, [found] * len(self._known), self._known))

    def ran_in_thread(self, call: Call, run_s: float, *, calls: int = 1) -> None:
        """Learn from a run in the thread, of one call or of several that are like it."""
        if run_s >= (QUICK_S if calls == 1 else LONG_S):
            self._left = TRIALS if self._left else 0
        elif self._left > 1:
            self._left -= 1
        else:
            self._left = 0
            self._add(dimensions(self._free, call.feeds))

    def ran_too_long(self, call: Call) -> None:
        """Learn from a run in the event loop that was longer than `LONG_S`."""
        self._left = TRIALS
        found = dimensions(self._free, call.feeds)
        self._known = [each for each in self._known if not _within(found, each)]
        self._tell_rows()

    def _add(self, found: Dimensions) -> None:
        if self._never or any(_within(found, each) for each in self._known):
            return
        kept = [each for each in self._known if not _within(each, found)]
        self._known = [*kept, found][-_MOST_SIZES:]
        self._tell_rows()

    def _tell_rows(self) -> None:
        rows = [each[0] if each else self._most_rows for each in self._known]
        self.quick_rows = min(max(rows, default=NONE), self._most_rows)


def _within(one: Dimensions, other: Dimensions) -> bool:
    """Whether no size of one is larger than the same one of the other."""
    return all(map(int.__le__, one, other))
