"""Memory given back to the system after large requests.

The C library keeps what was freed for the next request. After a burst of large bodies that is
hundreds of megabytes which no later request needs, and which count against the pod's limit.
"""

import asyncio
import ctypes

from modelserver import logs

LARGE_BYTES = 4 << 20
"""A request with a body from this size on leaves more behind than is worth keeping."""

QUIET_S = 1.0
"""Memory is given back first so long after the last large request of a burst."""

LAST_S = 16.0
"""Then after waits that double up to this one: a slow client takes its answer in the meantime."""


class Reclaim:
    """Gives memory back after large requests, once they have ended."""

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it

    def after_large(self) -> None:
        """Hear of a large request that was answered; its answer may not have been sent yet."""
        if self._trim is not None:
            if self._due is not None:
                self._due.cancel()
            self._give_back_in(QUIET_S)

    def _give_back_in(self, wait_s: float) -> None:
        self._due = asyncio.get_running_loop().call_later(wait_s, self._give_back, wait_s)

    def _give_back(self, waited_s: float) -> None:
        self._due = None
        if self._trim is not None and self._trim(0):
            logs.LOGGER.debug("memory-given-back")
        if waited_s < LAST_S:
            self._give_back_in(2 * waited_s)
