"""One inference request from its admission to its result.

Nothing here knows by which transport a request came: the transport brings a role, an id, terms and
a body, and gets an answer or an error of `errors`, which it says in its own way.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal, NamedTuple, Protocol

from modelserver.codec.calls import Answer, Call, Codec
from modelserver.errors import BodyTooLarge, Overloaded, RequestCrashed, RequestError
from modelserver.inference.batch import Outcome, Ran
from modelserver.inference.lifecycle import Lifecycle, Serving
from modelserver.observe.metrics import Metrics
from modelserver.observe.tracing import Steps, Tracer
from modelserver.start.reclaim import LARGE_BYTES, Reclaim
from modelserver.tensor.datatypes import Array

Result = Answer | RequestError
"""What comes of a request."""

OnResult = Callable[["Exchange", Result], None]

Expand = Callable[[bytes, int], bytes]
"""From a compressed body, and the most bytes it may become, to the body itself."""


Counts = Literal["receiving", "in_flight"]
"""As which of both a request is counted."""


class Form(Protocol):
    """Another form of requests and answers than JSON and binary tensors."""

    def decode(self, codec: Codec, body: bytes) -> Call:
        """The checked call in a body.

        Raises:
            RequestError: Something is wrong with it.
        """

    def encode(self, codec: Codec, call: Call, arrays: Sequence[Array]) -> Answer:
        """The answer to a call."""


class Terms(NamedTuple):
    """What a client says of its body, and of the time there is for the answer.

    `expand` undoes the compression of the body (None: it has none), `json_bytes` of it are JSON
    (None: all), and within `timeout_s` seconds the request must have begun to run (None: no bound).
    Body and answer have another `form` than JSON where one is given.
    """

    expand: Expand | None = None
    json_bytes: int | None = None
    timeout_s: float | None = None
    form: Form | None = None


# Bits: an eighth of the bytes of all bodies is kept for bodies that come whole, so that clients who
# send large ones and stop in the middle shut nobody out.
_KEPT_SHIFT = 3

UNBOUNDED = sys.maxsize
"""A limit that nothing reaches."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests may take: how many at once, and in bytes.

    Of one request these are its body (as sent, and expanded), its rows, its input tensors and its
    outputs; of all that are admitted their bodies, and all that they make the process hold.
    """

    requests: int
    body_bytes: int
    total_bytes: int
    rows: int = UNBOUNDED
    tensor_bytes: int = UNBOUNDED
    output_bytes: int = UNBOUNDED
    total_cost_bytes: int = UNBOUNDED


@dataclass(slots=True)
class Inference:
    """What every exchange of this process shares.

    `limits` are replaced once the model is loaded and its cost is known. `access_log_sample` is the
    share of requests, 0 to 1, that leave a line in the log.
    """

    lifecycle: Lifecycle
    metrics: Metrics
    limits: Limits
    access_log_sample: float = 0.0
    tracer: Tracer | None = None
    reclaim: Reclaim = field(default_factory=Reclaim)


class Exchange:
    """One request; `on_result` is called exactly once, in the event loop.

    Where its body comes in parts, first `expect`, and `hold` for each part. Once the body is there,
    `admit`, then `run` with the body and its terms; at any time `fail`. It is also the scheduler's
    `Job`: whoever sets `cancelled` before it runs spares the model the work.
    """

    __slots__ = (
        "_counts",
        "_form",
        "_inference",
        "_on_result",
        "_serving",
        "body_bytes",
        "call",
        "cancelled",
        "decoded_at",
        "ended_at",
        "expires_at",
        "ran",
        "request_id",
        "role",
        "started_at",
        "submitted_at",
    )
    call: Call
    ended_at: float
    submitted_at: float
    _serving: Serving

    def __init__(
        self, inference: Inference, role: str, request_id: bytes, on_result: OnResult
    ) -> None:
        self.started_at = time.perf_counter()
        self.role = role
        self.request_id = request_id
        self.body_bytes = 0
        self.decoded_at: float | None = None
        self.ran: Ran | None = None
        self.expires_at = inf
        self.cancelled = False
        self._inference = inference
        self._on_result = on_result
        self._form: Form | None = None
        self._counts: Counts | None = None

    def expect(self) -> bool:
        """Whether a body is worth waiting for; otherwise the result has been given.

        While it comes the request takes no place among those that are answered.
        """
        if self._is_refused():
            return False
        self._inference.metrics.receiving += 1
        self._counts = "receiving"
        return True

    def admit(self) -> bool:
        """Whether the request, whose body is there, is taken; otherwise the result was given."""
        if self._is_refused():
            return False
        metrics = self._inference.metrics
        if self._counts is not None:
            metrics.receiving -= 1
        metrics.in_flight += 1
        self._counts = "in_flight"
        return True

    def _is_refused(self) -> bool:
        inference = self._inference
        try:
            self._serving = inference.lifecycle.require()
            if inference.metrics.in_flight >= inference.limits.requests:
                inference.metrics.rejected["overloaded"] += 1
                raise Overloaded(
                    f"{inference.limits.requests} requests are in flight already; try again"
                )
        except RequestError as error:
            self.fail(error)
            return True
        return False

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

    def hold(self, size: int) -> None:
        """Count a body of `size` bytes as held until the result.

        Raises:
            BodyTooLarge: As `check_room`.
            Overloaded: As `check_room`.
        """
        self.check_room(size)
        self._inference.metrics.in_flight_bytes += size - self.body_bytes
        self.body_bytes = size

    def run(self, body: bytes, terms: Terms) -> None:
        """Decode the body and hand it to the scheduler."""
        inference, serving = self._inference, self._serving
        expand, json_bytes, timeout_s, self._form = terms
        if timeout_s is not None:
            self.expires_at = self.started_at + timeout_s
        try:
            self.hold(len(body))
            if expand is not None:
                body = expand(body, inference.limits.body_bytes)
                self.hold(len(body))
            self.call = (
                serving.codec.decode(body, json_bytes)
                if self._form is None
                else self._form.decode(serving.codec, body)
            )
        except RequestError as error:
            self.fail(error)
        except Exception as error:  # noqa: BLE001 - outermost: no client may end the process
            self.fail(_crashed(error))
        else:
            self.submitted_at = self.decoded_at = now = time.perf_counter()
            inference.metrics.decode_s.observe(now - self.started_at)
            serving.scheduler.submit(self)

    def fail(self, error: RequestError) -> None:
        """End with an error."""
        self._end(error)

    def finish(self, outcome: Outcome) -> None:
        """End with what the scheduler found out."""
        if not isinstance(outcome, list):
            self.fail(outcome)
            return
        began = time.perf_counter()
        inference, serving = self._inference, self._serving
        try:
            answer = (
                serving.codec.encode(self.call, outcome)
                if self._form is None
                else self._form.encode(serving.codec, self.call, outcome)
            )
        except Exception as error:  # noqa: BLE001 - outermost: no model may end the process
            self.fail(_crashed(error))
            return
        guard = serving.guard
        guard.due -= 1
        if answer.nonfinite or guard.due <= 0:
            guard.look(self.call, outcome, nonfinite=answer.nonfinite)
        self._end(answer)
        inference.metrics.encode_s.observe(self.ended_at - began)

    def steps(self) -> Steps:
        """When this request, which has ended, took which step."""
        ran, decoded_at = self.ran, self.decoded_at
        submitted_at = None if decoded_at is None else self.submitted_at
        began, run_s = (ran.began, ran.run_s) if ran else (None, 0.0)
        return Steps(self.started_at, decoded_at, submitted_at, began, run_s, self.ended_at)

    def _end(self, result: Result) -> None:
        """Give the result; sending it is not counted."""
        self.ended_at = now = time.perf_counter()
        inference = self._inference
        metrics = inference.metrics
        if self._counts == "in_flight":
            metrics.in_flight -= 1
        elif self._counts is not None:
            metrics.receiving -= 1
        metrics.ended(self.role, now - self.started_at, self.body_bytes)
        if self.body_bytes >= LARGE_BYTES:
            inference.reclaim.after_large()
        self._on_result(self, result)


def _crashed(cause: Exception) -> RequestCrashed:
    """The error that a client gets to know of a fault in this server."""
    error = RequestCrashed("the server failed; its log says why")
    error.__cause__ = cause
    return error
