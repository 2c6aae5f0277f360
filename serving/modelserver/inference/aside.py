"""One thread beside the event loop, for work on what is large.

What it does holds Python's lock only for short pieces, and Python is told to change threads more
often than it does by itself, so that the event loop waits for a fraction of a millisecond.
"""

import asyncio
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

SWITCH_S = 0.0005
"""A thread that wants to run waits so long for another one; Python's own 5 ms are too long here."""

_Work = tuple[asyncio.AbstractEventLoop, Callable[[], object], Callable[[object], None]]


class Aside:
    """Does one piece of work after another; the thread begins with the first one."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Work] | None = None

    def run(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Do some work; `done` is then called in the event loop with the result or the error."""
        if self._queue is None:
            self._queue = SimpleQueue()
            thread = threading.Thread(
                target=_work_off, args=(self._queue,), name="aside", daemon=True
            )
            thread.start()
        sys.setswitchinterval(SWITCH_S)
        self._queue.put((asyncio.get_running_loop(), work, done))  # type: ignore[arg-type]


def _work_off(queue: "SimpleQueue[_Work]") -> None:
    while True:
        loop, work, done = queue.get()
        result: object
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - whoever waits for it has to know
            result = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(done, result)
        del loop, work, done, result  # nothing is kept until the next work comes
