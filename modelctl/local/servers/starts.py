"""Whose turn it is to start: a few servers at a time, the most urgent first.

A start takes a whole processor for seconds. Two hundred at once would all be slow, those that serve
first would not be first, and startup probes would run out of time. A turn ends when the server has
started or failed, and after a while in any case: one that hangs, or loads a large model, keeps
nobody else from starting.
"""

import asyncio
import os
from collections.abc import Callable

_HOLD_S = 10.0  # several times what the start of a small model takes


class Turn:
    """A place in the queue; `granted` is done once the start may begin."""

    def __init__(self, starts: "Starts", rank: Callable[[], tuple[int, ...]]) -> None:
        self.rank = rank
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._starts = starts
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, hold_s: float) -> None:
        """Let the start begin, for the time that it may keep others waiting."""
        self._timer = asyncio.get_running_loop().call_later(hold_s, self.over)
        self.granted.set_result(None)

    def over(self) -> None:
        """Leave the queue, or give the place to the next one; the second time nothing."""
        if self._timer is not None:
            self._timer.cancel()
        self._starts.leave(self)


class Starts:
    """The queue of servers that are to start; a lower rank goes first, and of equals the older."""

    def __init__(self, at_once: int = 0, hold_s: float = _HOLD_S) -> None:
        """`at_once` servers start at the same time, by default as many as there are processors."""
        self._at_once = at_once or max(2, os.cpu_count() or 1)
        self._hold_s = hold_s
        self._waiting: list[Turn] = []
        self._begun: set[Turn] = set()

    def ask(self, rank: Callable[[], tuple[int, ...]]) -> Turn:
        """A turn; its rank is asked again whenever a place is free, because it may change."""
        turn = Turn(self, rank)
        self._waiting.append(turn)
        self._next()
        return turn

    def leave(self, turn: Turn) -> None:
        """Take a turn out, wherever it is."""
        self._begun.discard(turn)
        if turn in self._waiting:
            self._waiting.remove(turn)
        self._next()

    def _next(self) -> None:
        while self._waiting and len(self._begun) < self._at_once:
            turn = min(self._waiting, key=lambda each: each.rank())
            self._waiting.remove(turn)
            self._begun.add(turn)
            turn.begin(self._hold_s)
