"""Memory given back to the system after the start and after large requests.

The C library keeps what was freed for the next request. After a model was loaded that is about one
and a half times its file, after a burst of large bodies hundreds of megabytes: no later request
needs them, and they count against the pod's limit.
"""

import asyncio
import ctypes

from modelserver.observe import logs

LARGE_BYTES = 1 << 20
"""A request with a body from this size on leaves more behind than is worth keeping."""

QUIET_S = 1.0
"""Memory is given back first so long after the last large request of a burst."""

LAST_S = 16.0
"""Then after waits that double up to this one: a slow client takes its answer in the meantime."""


_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it


def give_back() -> bool:
    """Give freed memory back to the system; whether there was any."""
    return bool(_TRIM is not None and _TRIM(0))


class Reclaim:
    """Gives memory back after large requests, once they have ended."""

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None

    def after_large(self) -> None:
        """Hear of a large request that was answered; its answer may not have been sent yet."""
        if self._due is not None:
            self._due.cancel()
        self._give_back_in(QUIET_S)

    def _give_back_in(self, wait_s: float) -> None:
        self._due = asyncio.get_running_loop().call_later(wait_s, self._give_back, wait_s)

    def _give_back(self, waited_s: float) -> None:
        self._due = None
        if give_back():
            logs.LOGGER.debug("memory-given-back")
        if waited_s < LAST_S:
            self._give_back_in(2 * waited_s)
