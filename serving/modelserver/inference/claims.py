"""The memory that a large request takes beside its body, counted before it is taken.

Only the thread aside claims, and only the event loop releases, so that no lock is needed.
"""

from modelserver.errors import BodyTooLarge, Overloaded
from modelserver.inference.limits import Limits
from modelserver.observe.metrics import Metrics

_BECOMES = 2
"""Times the limit of a body: what may be made of one, so that with it no request has three."""

_FREE_BYTES = 16 << 20
"""So much may be made of any body: whole numbers take more as tensors than as text."""

_ANSWER_BYTES = 128 << 20
"""What an answer may take, unless twice the limit of a body is more."""

_IN_ALL_BYTES = 256 << 20
"""What all requests may take together, unless three times the limit of all bodies is more."""


class Claims:
    """What one request has claimed."""

    __slots__ = ("_answer_bytes", "_expanded_bytes", "_limits", "_metrics", "_tensor_bytes")

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._tensor_bytes = self._expanded_bytes = self._answer_bytes = 0

    def tensors(self, size: int) -> None:
        """Claim so much for tensors that are made of a body.

        Raises:
            BodyTooLarge: One request may not take as much.
            Overloaded: Others leave no room for it.
        """
        most = max(_FREE_BYTES, _BECOMES * self._limits.body_bytes)
        if self._tensor_bytes + size > most:
            raise BodyTooLarge(
                f"inputs: found tensors of more than {most} bytes, expected at most these; "
                "send fewer rows at once"
            )
        self._check(size)
        self._tensor_bytes += size
        self._metrics.claimed_bytes += size

    def answer(self, size: int) -> None:
        """Claim so much for the body of an answer.

        Raises:
            BodyTooLarge: One answer may not take as much.
            Overloaded: Others leave no room for it.
        """
        most = max(_ANSWER_BYTES, _BECOMES * self._limits.body_bytes)
        if self._answer_bytes + size > most:
            raise BodyTooLarge(
                f"outputs: the answer takes more than {most} bytes, expected at most these; ask "
                "for binary data (parameters.binary_data_output), or send fewer rows at once"
            )
        self._check(size)
        self._answer_bytes += size
        self._metrics.claimed_bytes += size

    def expanded(self, size: int) -> None:
        """Claim so much for a body that was compressed, which has a limit of its own.

        Raises:
            Overloaded: Others leave no room for it.
        """
        metrics = self._metrics
        in_use = metrics.in_flight_bytes + metrics.claimed_bytes - metrics.released_bytes
        self._compare(in_use + size, self._limits.total_bytes)
        self._expanded_bytes += size
        self._metrics.claimed_bytes += size

    def release(self) -> None:
        """Give everything back."""
        claimed = self._tensor_bytes + self._expanded_bytes + self._answer_bytes
        self._metrics.released_bytes += claimed
        self._tensor_bytes = self._expanded_bytes = self._answer_bytes = 0

    def _check(self, size: int) -> None:
        metrics, limits = self._metrics, self._limits
        in_use = metrics.in_flight_bytes + metrics.claimed_bytes - metrics.released_bytes
        most = max(_IN_ALL_BYTES, (1 + _BECOMES) * limits.total_bytes)
        self._compare(in_use + size, min(most, limits.total_cost_bytes))

    def _compare(self, wanted: int, most: int) -> None:
        if wanted > most:
            raise Overloaded(
                f"requests would take {wanted} bytes, and {most} are the limit; try again"
            )
