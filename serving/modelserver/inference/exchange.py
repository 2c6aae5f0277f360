"""One inference request from its admission to its result.

Nothing here knows by which transport a request came: the transport brings a role, an id, terms and
a body, and gets an answer or an error of `errors`, which it says in its own way.
"""

import time
from collections.abc import Callable
from functools import partial
from math import inf
from typing import TypeVar

from modelserver.codec import outline
from modelserver.codec.buffer import Buffer
from modelserver.codec.calls import Answer, Call
from modelserver.errors import (
    Disconnected,
    InfiniteOutput,
    Overloaded,
    RequestError,
)
from modelserver.inference import costs
from modelserver.inference.batch import Outcome, Ran
from modelserver.inference.claims import Claims
from modelserver.inference.costs import SMALL_BYTES
from modelserver.inference.holding import Holding
from modelserver.inference.lifecycle import Serving
from modelserver.inference.shared import Inference, as_request_error
from modelserver.inference.terms import Form, Terms
from modelserver.observe.tracing import Steps
from modelserver.start.reclaim import LARGE_BYTES
from modelserver.tensor.datatypes import Array

T = TypeVar("T")

Result = Answer | RequestError
"""What comes of a request."""

OnResult = Callable[["Exchange", Result], None]

QUICK_BYTES = outline.LONG_BYTES
"""Larger bodies are read aside, and all that are compressed."""

_MAYBE_LONG_BYTES = 16 << 10
"""Bodies up to this size are read at once, whatever is in them."""

_QUICK_BINARY_BYTES = 4 << 20
"""Bodies with so much binary data are not: it is used where it lies."""


class Exchange(Holding):
    """One request; `on_result` is called exactly once, in the event loop.

    Where its body comes in parts, first `expect`, and `hold` for each part. Once the body is there,
    `admit`, then `run` with the body and its terms; at any time `fail`. It is also the scheduler's
    `Job`: whoever sets `cancelled` before it runs spares the model the work.
    """

    __slots__ = (
        "_claims",
        "_encoding_at",
        "_form",
        "_on_result",
        "_serving",
        "call",
        "cancelled",
        "decoded_at",
        "ended_at",
        "expires_at",
        "is_quick",
        "ran",
        "request_id",
        "role",
        "started_at",
        "submitted_at",
    )
    call: Call
    ended_at: float
    submitted_at: float
    _encoding_at: float
    _inference: Inference
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
        self._form: Form | None = None
        self._counts = None
        self._claims: Claims | None = None

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

    def run(self, body: bytes | Buffer, terms: Terms) -> None:
        """Decode the body and hand it to the scheduler; a large one is decoded aside."""
        if terms.timeout_s is not None:
            self.expires_at = self.started_at + terms.timeout_s
        size = len(body)
        self._form = form = terms.form
        try:
            self.hold(size)
            content = body if isinstance(body, bytes) else body.view()
            if terms.expand is not None or (
                size > _MAYBE_LONG_BYTES and not self._is_quick(size, terms.json_bytes)
            ):
                self._aside(partial(self._read, content, terms), self._on_read)
                return
            codec = self._serving.codec
            self.call = call = (
                codec.decode(content, terms.json_bytes)
                if form is None
                else form.decode(codec, content)
            )
            if size > SMALL_BYTES or call.rows > self._serving.pace.quick_rows:
                self._weigh(self._cost(call, is_view=terms.json_bytes is not None))
        except Exception as error:  # noqa: BLE001 - outermost: no client may end the process
            self.fail(as_request_error(error))
        else:
            self._submit()

    def _is_quick(self, size: int, json_bytes: int | None) -> bool:
        """Whether a body is decoded at once: binary numbers are used where they lie."""
        if json_bytes is None:
            return size <= QUICK_BYTES
        return (
            json_bytes <= QUICK_BYTES
            and size <= _QUICK_BINARY_BYTES
            and not self._serving.codec.takes_strings
        )

    def _aside(self, work: Callable[[Claims], T], done: Callable[[T | Exception], None]) -> None:
        """Do some work in the thread aside, which claims the memory that it takes."""
        inference = self._inference
        if self._claims is None:
            self._claims = Claims(inference.limits, inference.metrics)

        def on_done(result: T | Exception) -> None:
            if isinstance(result, Overloaded):
                inference.metrics.rejected["overloaded_bytes"] += 1
            done(result)

        inference.aside.run(partial(work, self._claims), on_done)

    def _read(self, body: bytes | memoryview, terms: Terms, claims: Claims) -> tuple[Call, int]:
        """The call in a large body, and what it costs, found out in the thread aside."""
        if self.cancelled:
            raise Disconnected("the client went away before its request was read")
        if terms.expand is not None:
            most = self._inference.limits.body_bytes
            body = terms.expand(memoryview(body), most, claims.expanded)
        codec, form = self._serving.codec, self._form
        call = (
            codec.decode(body, terms.json_bytes, claims.tensors)
            if form is None
            else form.decode(codec, body, claims.tensors)
        )
        is_view = terms.json_bytes is not None and terms.expand is None
        return call, self._cost(call, is_view=is_view)

    def _on_read(self, result: tuple[Call, int] | Exception) -> None:
        if isinstance(result, Exception):
            self.fail(as_request_error(result))
            return
        self.call, cost = result
        if self._claims is not None:
            self._claims.release()
        try:
            self._weigh(cost)
        except RequestError as error:
            self.fail(error)
        else:
            self._submit()

    def _cost(self, call: Call, *, is_view: bool) -> int:
        return costs.running(call, self._inference.limits, self._serving.rows, is_view=is_view)

    def _weigh(self, cost: int) -> None:
        """Find out whether the call is quick, and hold what it takes."""
        self.is_quick = self._serving.pace.is_quick(self.call)
        self._reserve(cost)

    def _submit(self) -> None:
        inference = self._inference
        self.submitted_at = self.decoded_at = now = time.perf_counter()
        inference.metrics.decode_s.observe(now - self.started_at)
        self._serving.scheduler.submit(self)

    def fail(self, error: RequestError) -> None:
        """End with an error."""
        self._end(error)

    def finish(self, outcome: Outcome) -> None:
        """End with what the scheduler found out."""
        if not isinstance(outcome, list):
            self.fail(outcome)
            return
        self._encoding_at = time.perf_counter()
        if costs.is_large(outcome):
            self._aside(partial(self._write, outcome), self._on_written)
            return
        try:
            codec, form = self._serving.codec, self._form
            answer = (
                codec.encode(self.call, outcome)
                if form is None
                else form.encode(codec, self.call, outcome)
            )
            self._guard(answer, outcome)
        except Exception as error:  # noqa: BLE001 - outermost: no model may end the process
            self._on_written(error)
        else:
            self._on_written(answer)

    def _guard(self, answer: Answer, outcome: list[Array]) -> None:
        """Let the output guard look where it wants to."""
        guard = self._serving.guard
        guard.due -= 1
        if answer.nonfinite or guard.due <= 0:
            guard.look(self.call, outcome, nonfinite=answer.nonfinite)
        if answer.unsaid:
            raise InfiniteOutput(answer.unsaid)

    def _write(self, outcome: list[Array], claims: Claims) -> Answer:
        """Encode a large answer, in the thread aside."""
        if self.cancelled:
            raise Disconnected("the client went away before its answer was written")
        claims.answer(costs.answering(self.call, outcome, self._inference.limits))
        codec, form = self._serving.codec, self._form
        answer = (
            codec.encode_long(self.call, outcome)
            if form is None
            else form.encode(codec, self.call, outcome)
        )
        self._guard(answer, outcome)
        return answer

    def _on_written(self, result: Answer | Exception) -> None:
        if isinstance(result, Exception):
            self.fail(as_request_error(result))
            return
        self._end(result)
        self._inference.metrics.encode_s.observe(self.ended_at - self._encoding_at)

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
        claims = self._claims
        if claims is not None:
            claims.release()
        if self.reserved_bytes:
            metrics.reserved_bytes -= self.reserved_bytes
        if self.body_bytes >= LARGE_BYTES or self.reserved_bytes >= LARGE_BYTES:
            inference.reclaim.after_large()
        self.reserved_bytes = 0
        self._on_result(self, result)
