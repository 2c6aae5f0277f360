"""The body of a request that comes in parts: what there is of it, and until when more must come."""

import time

PATIENCE_S = 30.0
"""A client that sends nothing for so long in the middle of a body is answered 408."""

SLOWEST_BYTES_PER_S = 16 << 10
"""So is a client whose body is slower than this: what came early buys no more than `PATIENCE_S`."""

STALLED_S = 1.0
"""Where bodies leave no room for another, one of which nothing came for so long is ended."""


class Body:
    """The parts of one body.

    After `until`, on the clock of the event loop, the client counts as too slow; `last` is when a
    part came, by `time.perf_counter`.
    """

    __slots__ = ("last", "parts", "size", "until")

    def __init__(self, now: float) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.last = time.perf_counter()
        self.until = now + PATIENCE_S

    def take(self, part: bytes, now: float) -> None:
        """Add what came."""
        self.parts.append(part)
        self.size += len(part)
        self.last = time.perf_counter()
        self.until = min(self.until + len(part) / SLOWEST_BYTES_PER_S, now + PATIENCE_S)

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
