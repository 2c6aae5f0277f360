"""The body of a request that comes in parts: what there is of it, and until when more must come."""

import time

from modelserver.codec.buffer import Buffer

PATIENCE_S = 30.0
"""A client that sends nothing for so long in the middle of a body is answered 408."""

SLOWEST_BYTES_PER_S = 16 << 10
"""So is a client whose body is slower than this: what came early buys no more than `PATIENCE_S`."""

STALLED_S = 1.0
"""Where bodies leave no room for another, one of which nothing came for so long is ended."""

_ALIGNED_BYTES = 16


class Body:
    """What there is of one body, of which the first `json_bytes` are JSON (None: all of it).

    So many bytes were `announced`, 0 where their number was not. After `until`, on the clock of the
    event loop, the client counts as too slow; `last` is when a part came, by `time.perf_counter`.
    """

    __slots__ = ("_announced", "content", "last", "until")

    def __init__(self, now: float, json_bytes: int | None = None, announced: int = 0) -> None:
        self._announced = announced
        # Binary tensors then begin where every type may.
        self.content = Buffer(-(json_bytes or 0) % _ALIGNED_BYTES)
        self.last = time.perf_counter()
        self.until = now + PATIENCE_S

    def take(self, part: bytes | memoryview, now: float) -> None:
        """Add what came."""
        self.content.append(part)
        self.last = time.perf_counter()
        self.until = min(self.until + len(part) / SLOWEST_BYTES_PER_S, now + PATIENCE_S)

    @property
    def missing(self) -> int:
        """How many of the announced bytes are still to come."""
        return max(0, self._announced - len(self.content))

    @property
    def is_stalled(self) -> bool:
        """Whether its client makes no use of the room that its parts take."""
        return time.perf_counter() - self.last > STALLED_S


def too_slow() -> str:
    """What a client is told of a body that did not come."""
    return (
        f"body: expected some part every {PATIENCE_S:g} s and, on the whole, "
        f"{SLOWEST_BYTES_PER_S} bytes a second"
    )
