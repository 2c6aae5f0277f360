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
"""Memory is given back so long after the first of a burst, and again while the burst lasts."""


class Reclaim:
    """Gives memory back a moment after a large request, at most once in `QUIET_S`."""

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it

    def after(self, body_bytes: int) -> None:
        """Hear of a request that was answered."""
        if body_bytes >= LARGE_BYTES and self._due is None and self._trim is not None:
            self._due = asyncio.get_running_loop().call_later(QUIET_S, self._give_back)

    def _give_back(self) -> None:
        self._due = None
        if self._trim is not None and self._trim(0):
            logs.LOGGER.debug("memory-given-back")
