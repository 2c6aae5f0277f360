"""One inference request from its admission to its result.

Nothing here knows by which transport a request came: the transport brings a role, an id, terms and
a body, and gets an answer or an error of `errors`, which it says in its own way.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from modelserver.codec.calls import Answer, Call
from modelserver.errors import (
    BodyTooLarge,
    Overloaded,
    RequestCrashed,
    RequestError,
    RequestTooLarge,
)
from modelserver.inference import costs
from modelserver.inference.batch import Outcome, Ran
from modelserver.inference.costs import SMALL_BYTES
from modelserver.inference.lifecycle import Lifecycle, Serving
from modelserver.inference.limits import Limits
from modelserver.observe.metrics import Metrics
from modelserver.observe.tracing import Steps, Tracer
from modelserver.start.reclaim import LARGE_BYTES, Reclaim

Result = Answer | RequestError
"""What comes of a request."""

OnResult = Callable[["Exchange", Result], None]

Expand = Callable[[bytes, int], bytes]
"""From a compressed body, and the most bytes it may become, to the body itself."""


class Terms(NamedTuple):
    """What a client says of its body, and of the time there is for the answer.

    `expand` undoes the compression of the body (None: it has none), `json_bytes` of it are JSON
    (None: all), and within `timeout_s` seconds the request must have begun to run (None: no bound).
    """

    expand: Expand | None = None
    json_bytes: int | None = None
    timeout_s: float | None = None


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

    First `admit`, then `run` with the body and its terms, or `fail`. It is also the scheduler's
    `Job`: whoever sets `cancelled` before it runs spares the model the work.
    """

    __slots__ = (
        "_inference",
        "_on_result",
        "_serving",
        "body_bytes",
        "call",
        "cancelled",
        "decoded_at",
        "ended_at",
        "expires_at",
        "is_quick",
        "ran",
        "request_id",
        "reserved_bytes",
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
        self.reserved_bytes = 0
        self.is_quick = True
        self.decoded_at: float | None = None
        self.ran: Ran | None = None
        self.expires_at = inf
        self.cancelled = False
        self._inference = inference
        self._on_result = on_result
        inference.metrics.in_flight += 1

    def admit(self) -> bool:
        """Whether the body is wanted; otherwise the result has been given."""
        inference = self._inference
        try:
            self._serving = inference.lifecycle.require()
            if inference.metrics.in_flight > inference.limits.requests:
                inference.metrics.rejected["overloaded"] += 1
                raise Overloaded(
                    f"{inference.limits.requests} requests are in flight already; try again"
                )
        except RequestError as error:
            self.fail(error)
            return False
        return True

    def check_room(self, size: int) -> None:
        """Return if a body of `size` bytes may be held now.

        Raises:
            BodyTooLarge: One body may not be as large.
            Overloaded: Other bodies leave no room for it.
        """
        limits, metrics = self._inference.limits, self._inference.metrics
        if size > limits.body_bytes:
            raise BodyTooLarge(
                f"body: found more than {limits.body_bytes} bytes, expected at most these"
            )
        if metrics.in_flight_bytes + size - self.body_bytes > limits.total_bytes:
            metrics.rejected["overloaded_bytes"] += 1
            raise Overloaded(
                f"{metrics.in_flight_bytes} bytes of request bodies are in flight already, and "
                f"{limits.total_bytes} are the limit; try again"
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

    def run(self, body: bytes, terms: Terms) -> None:
        """Decode the body and hand it to the scheduler."""
        inference, serving = self._inference, self._serving
        expand, json_bytes, timeout_s = terms
        if timeout_s is not None:
            self.expires_at = self.started_at + timeout_s
        try:
            self.hold(len(body))
            if expand is not None:
                body = expand(body, inference.limits.body_bytes)
                self.hold(len(body))
            if len(body) > SMALL_BYTES:
                self._reserve(costs.reading(len(body), json_bytes))
            self.call = call = serving.codec.decode(body, json_bytes)
            if len(body) > SMALL_BYTES or call.rows > serving.pace.quick_rows:
                self._weigh(is_view=json_bytes is not None)
        except RequestError as error:
            self.fail(error)
        except Exception as error:  # noqa: BLE001 - outermost: no client may end the process
            self.fail(_crashed(error))
        else:
            self.submitted_at = self.decoded_at = now = time.perf_counter()
            inference.metrics.decode_s.observe(now - self.started_at)
            serving.scheduler.submit(self)

    def _weigh(self, *, is_view: bool) -> None:
        """Find out whether the call is quick, and hold what it takes."""
        call, serving, limits = self.call, self._serving, self._inference.limits
        self.is_quick = serving.pace.is_quick(call)
        self._reserve(costs.running(call, limits, serving.rows, is_view=is_view))

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
            if self.reserved_bytes or costs.is_large(outcome):
                more = costs.answering(self.call, outcome, inference.limits)
                self._reserve(self.reserved_bytes + more)
            answer = serving.codec.encode(self.call, outcome)
        except RequestError as error:
            self.fail(error)
            return
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
        inference.metrics.ended(self.role, now - self.started_at, self.body_bytes)
        if self.reserved_bytes:
            inference.metrics.reserved_bytes -= self.reserved_bytes
        if self.body_bytes >= LARGE_BYTES or self.reserved_bytes >= LARGE_BYTES:
            inference.reclaim.after_large()
        self.reserved_bytes = 0
        self._on_result(self, result)


def _crashed(cause: Exception) -> RequestError:
    """The error that a client gets to know of a fault in this server, or of too little memory."""
    if isinstance(cause, MemoryError):
        return Overloaded("memory is short for this request just now; try again, or send less")
    error = RequestCrashed("the server failed; its log says why")
    error.__cause__ = cause
    return error
