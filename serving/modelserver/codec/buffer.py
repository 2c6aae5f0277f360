"""Bytes that come in parts, in one place in memory, without a second copy of them all.

Joining the parts of a large body would need it twice, and hold up the event loop meanwhile. A map
of its own grows in place, and what it took is back with the system as soon as nobody needs it.
"""

import mmap
from collections.abc import Callable

Claim = Callable[[int], None]
"""Takes so many bytes more, before they are used; raises a `RequestError` if there is no room."""

_SMALL_BYTES = 4 << 20
"""Up to here the C library's memory is as good, and five times as quick: it was touched before."""

_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def unclaimed(_size: int) -> None:
    """Take any number of bytes: where nobody counts."""


class Buffer:
    """Grows at its end. Its content begins `lead` bytes after an address that suits every type."""

    __slots__ = ("_content", "_lead", "_size")

    def __init__(self, lead: int = 0) -> None:
        self._content: bytearray | mmap.mmap = bytearray(lead)
        self._lead = self._size = lead

    def __len__(self) -> int:
        return self._size - self._lead

    def append(self, part: bytes | memoryview) -> None:
        """Add bytes."""
        content, start, self._size = self._content, self._size, self._size + len(part)
        if isinstance(content, bytearray):
            if self._size <= _SMALL_BYTES:
                content += part
                return
            small, content = content, mmap.mmap(-1, 2 * self._size, flags=_PRIVATE)
            content[:start] = small
            self._content = content
        elif self._size > len(content):
            content.resize(self._size + (self._size >> 1))
        content[start : self._size] = part

    def view(self) -> memoryview:
        """The content; afterwards nothing can be added."""
        return memoryview(self._content)[self._lead : self._size]
