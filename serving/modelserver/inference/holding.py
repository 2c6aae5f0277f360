"""What one request holds of the memory for requests, and whether there is room for it."""

from typing import Literal, Protocol

from modelserver.errors import BodyTooLarge, Overloaded, RequestTooLarge
from modelserver.inference.costs import SMALL_BYTES
from modelserver.inference.limits import Limits
from modelserver.observe.metrics import Metrics

Counts = Literal["receiving", "in_flight"]
"""As which of both a request is counted."""

# Bits: an eighth of the bytes of all bodies is kept for bodies that come whole, so that clients who
# send large ones and stop in the middle shut nobody out.
_KEPT_SHIFT = 3


class Shared(Protocol):
    """What all requests share of it."""

    metrics: Metrics
    limits: Limits


class Holding:
    """The bytes of a request's body, and those that are reserved beside it."""

    __slots__ = ("_counts", "_inference", "body_bytes", "reserved_bytes")
    _counts: Counts | None
    _inference: Shared
    body_bytes: int
    reserved_bytes: int

    def check_room(self, size: int) -> None:
        """Return if a body of `size` bytes may be held now.

        Bodies that are still on their way leave room for those that are there.

        Raises:
            BodyTooLarge: One body may not be as large.
            Overloaded: Other bodies leave no room for it.
        """
        limits, metrics = self._inference.limits, self._inference.metrics
        if size > limits.body_bytes:
            raise BodyTooLarge(
                f"body: found more than {limits.body_bytes} bytes, expected at most these"
            )
        most = limits.total_bytes
        if self._counts == "receiving":
            most = max(limits.body_bytes, most - (most >> _KEPT_SHIFT))
        if metrics.in_flight_bytes + size - self.body_bytes > most:
            metrics.rejected["overloaded_bytes"] += 1
            raise Overloaded(
                f"{metrics.in_flight_bytes} bytes of request bodies are in flight already, and "
                f"{most} are the limit; try again"
            )
        if size > SMALL_BYTES:
            self._check_memory(size - self.body_bytes)

    def _check_memory(self, more: int) -> None:
        """Return if this process may hold so many bytes more."""
        metrics, limit = self._inference.metrics, self._inference.limits.total_cost_bytes
        if metrics.held_bytes + more > limit:
            metrics.rejected["overloaded_bytes"] += 1
            raise Overloaded(
                f"requests hold {metrics.held_bytes} bytes of memory already, this one needs "
                f"{more} more, and {limit} are the limit; try again"
            )

    def _reserve(self, size: int) -> None:
        """Hold so many bytes beside the body from now on.

        Raises:
            RequestTooLarge: No request may hold as much.
            Overloaded: Other requests leave no room for it.
        """
        limit = self._inference.limits.total_cost_bytes
        if self.body_bytes + size > limit:
            raise RequestTooLarge(
                f"body: found {self.body_bytes} bytes, which take {self.body_bytes + size} of "
                f"memory to answer, expected at most {limit}; send less in one request, or raise "
                "resources.memory of the release"
            )
        self._check_memory(size - self.reserved_bytes)
        self._inference.metrics.reserved_bytes += size - self.reserved_bytes
        self.reserved_bytes = size

    def hold(self, size: int) -> None:
        """Count a body of `size` bytes as held until the result.

        Raises:
            BodyTooLarge: As `check_room`.
            Overloaded: As `check_room`.
        """
        self.check_room(size)
        self._inference.metrics.in_flight_bytes += size - self.body_bytes
        self.body_bytes = size
