"""The memory that a large request takes while it is read or written, counted before it is taken.

Only the thread aside claims, and only the event loop releases, so that no lock is needed. What the
request goes on to hold is reserved in its place.
"""

from modelserver.errors import Overloaded, RequestTooLarge
from modelserver.inference.limits import Limits
from modelserver.observe.metrics import Metrics


class Claims:
    """What one request has claimed."""

    __slots__ = ("_bytes", "_limits", "_metrics", "_tensor_bytes")

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._bytes = self._tensor_bytes = 0

    def tensors(self, size: int) -> None:
        """Claim so much for tensors that are made of a body.

        Raises:
            RequestTooLarge: One request may not take as much.
            Overloaded: Others leave no room for it.
        """
        self._tensor_bytes += size
        most = self._limits.tensor_bytes
        if self._tensor_bytes > most:
            raise RequestTooLarge(
                f"inputs: found tensors of {self._tensor_bytes} bytes or more, expected at most "
                f"{most} in one request; send less in one request, or raise resources.memory of "
                "the release"
            )
        self.answer(size)

    def answer(self, size: int) -> None:
        """Claim so much for an answer, or for anything else.

        Raises:
            Overloaded: Others leave no room for it.
        """
        metrics, most = self._metrics, self._limits.total_cost_bytes
        if metrics.held_bytes + size > most:
            raise Overloaded(
                f"requests hold {metrics.held_bytes} bytes of memory already, this one needs "
                f"{size} more, and {most} are the limit; try again"
            )
        self._bytes += size
        metrics.claimed_bytes += size

    def expanded(self, size: int) -> None:
        """Claim so much for a body that was compressed, which counts as a body, too.

        Raises:
            Overloaded: Others leave no room for it.
        """
        metrics, most = self._metrics, self._limits.total_bytes
        in_use = metrics.in_flight_bytes + metrics.claimed_bytes - metrics.released_bytes
        if in_use + size > most:
            raise Overloaded(
                f"{in_use} bytes of request bodies are in flight already, and {most} are the "
                "limit; try again"
            )
        self.answer(size)

    def release(self) -> None:
        """Give everything back."""
        self._metrics.released_bytes += self._bytes
        self._bytes = self._tensor_bytes = 0
