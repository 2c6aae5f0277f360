"""Memory that is given back to the system after the start and after large requests.

The C library keeps what is freed, for the next request. After a model was loaded that is about one
and a half times its file, after a burst of large bodies hundreds of megabytes. No later request
needs them, and they count against the pod's limit.

glibc has more heaps for threads, and gives back the end of the first one only when it is asked to:
tens of megabytes stay for each thread that large bodies pass through. So threads share the first.
"""

import asyncio
import ctypes

from modelserver.observe import logs

LARGE_BYTES = 1 << 20
"""A request with a body of this size or more leaves more behind than is worth keeping."""

QUIET_S = 1.0
"""Memory is given back for the first time so long after the last large request of a burst."""

LAST_S = 16.0
"""Then again after waits that double up to this one: slow clients take their answers meanwhile."""

_LIBC = ctypes.CDLL(None)
_TRIM = getattr(_LIBC, "malloc_trim", None)  # glibc alone has it
_TUNE = getattr(_LIBC, "mallopt", None)  # so has it this one
_MOST_HEAPS = -8
"""`M_ARENA_MAX` of glibc's malloc.h."""


def share_heap() -> None:
    """Have threads that begin from now on share one heap, all of which can be given back."""
    if _TUNE is not None:
        _TUNE(_MOST_HEAPS, 1)


def give_back() -> bool:
    """Give freed memory back to the system, and say whether there was any."""
    return bool(_TRIM is not None and _TRIM(0))


def _give_back_and_say() -> None:
    if give_back():
        logs.LOGGER.debug("memory-given-back")


class Reclaim:
    """Gives memory back after large requests, once they have ended."""

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None

    def after_large(self) -> None:
        """Take notice of a large request that was answered; its answer may still be on its way."""
        if self._due is not None:
            self._due.cancel()
        self._give_back_in(QUIET_S)

    def _give_back_in(self, wait_s: float) -> None:
        self._due = asyncio.get_running_loop().call_later(wait_s, self._give_back, wait_s)

    def _give_back(self, waited_s: float) -> None:
        self._due = None
        # In a thread: it takes as long as much was freed.
        asyncio.get_running_loop().run_in_executor(None, _give_back_and_say)
        if waited_s < LAST_S:
            self._give_back_in(2 * waited_s)
