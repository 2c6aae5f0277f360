"""One inference request from its headers to its answer, whatever transport brought it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from modelserver.codec.calls import Answer, Call
from modelserver.codec.protocol import ErrorBody, encode
from modelserver.errors import BodyTooLarge, Overloaded, RequestError
from modelserver.http import headers
from modelserver.http.headers import Given, Terms
from modelserver.http.status import STATUS
from modelserver.inference.batch import Outcome, Ran
from modelserver.inference.lifecycle import Lifecycle, Serving
from modelserver.observe import logs, tracing
from modelserver.observe.metrics import Metrics
from modelserver.observe.tracing import Steps, Tracer
from modelserver.start.reclaim import LARGE_BYTES, Reclaim

OnAnswer = Callable[[int, Answer], None]

_OK = 200
_CRASHED = 500


@dataclass(frozen=True)
class Limits:
    """Requests admitted at once, bytes of one body, bytes of all admitted bodies."""

    requests: int
    body_bytes: int
    total_bytes: int


class Inference:
    """What every exchange of this process shares."""

    def __init__(
        self,
        *,
        model: str,
        release: str,
        lifecycle: Lifecycle,
        metrics: Metrics,
        limits: Limits,
        access_log_sample: float = 0.0,
        tracer: Tracer | None = None,
    ) -> None:
        self.paths = frozenset(
            {f"/v2/models/{model}/infer", f"/v2/models/{model}/versions/{release}/infer"}
        )
        self.raw_paths = frozenset(path.encode() for path in self.paths)
        self.lifecycle = lifecycle
        self.metrics = metrics
        self.limits = limits
        self.access_log_sample = access_log_sample
        self.tracer = tracer
        self.reclaim = Reclaim()

    @property
    def closing(self) -> bool:
        """Whether clients should come back on another connection."""
        return self.lifecycle.is_draining


class Exchange:
    """One request; `on_answer` is called exactly once, in the event loop.

    First `admit`, then `run` with the body or `fail`. It is also the scheduler's `Job`: whoever
    sets `cancelled` before it runs spares the model the work.
    """

    __slots__ = (
        "_bytes",
        "_decoded_at",
        "_given",
        "_inference",
        "_on_answer",
        "_role",
        "_serving",
        "_started",
        "_terms",
        "call",
        "cancelled",
        "expires_at",
        "ran",
        "request_id",
        "submitted_at",
        "traceresponse",
    )
    call: Call
    submitted_at: float
    _serving: Serving
    _terms: Terms

    def __init__(self, inference: Inference, given: Given, on_answer: OnAnswer) -> None:
        self._started = time.perf_counter()
        self._inference = inference
        self._given = given
        self._on_answer = on_answer
        self._role = headers.role(given)
        self._bytes = 0
        self._decoded_at: float | None = None
        self.ran: Ran | None = None
        self.traceresponse = b""
        self.request_id = headers.request_id(given)
        self.expires_at = inf
        self.cancelled = False
        inference.metrics.in_flight += 1

    def admit(self) -> bool:
        """Whether the body is wanted; otherwise the answer has been given."""
        inference = self._inference
        try:
            self._serving = inference.lifecycle.require()
            if inference.metrics.in_flight > inference.limits.requests:
                inference.metrics.rejected["overloaded"] += 1
                raise Overloaded(
                    f"{inference.limits.requests} requests are in flight already; try again"
                )
            self._terms = terms = headers.terms(self._given)
        except RequestError as error:
            self.fail(error)
            return False
        if terms.timeout_s is not None:
            self.expires_at = self._started + terms.timeout_s
        return True

    def check_room(self, size: int) -> None:
        """Return if a body of `size` bytes may be held now.

        Raises `BodyTooLarge`, or `Overloaded` where other bodies leave no room.
        """
        limits, metrics = self._inference.limits, self._inference.metrics
        if size > limits.body_bytes:
            raise too_large(limits.body_bytes)
        if metrics.in_flight_bytes + size - self._bytes > limits.total_bytes:
            metrics.rejected["overloaded_bytes"] += 1
            raise Overloaded(
                f"{metrics.in_flight_bytes} bytes of request bodies are in flight already, and "
                f"{limits.total_bytes} are the limit; try again"
            )

    def hold(self, size: int) -> None:
        """Count a body of `size` bytes as held until the answer. Raises as `check_room`."""
        self.check_room(size)
        self._inference.metrics.in_flight_bytes += size - self._bytes
        self._bytes = size

    def run(self, body: bytes) -> None:
        """Decode the body and hand it to the scheduler."""
        inference, serving = self._inference, self._serving
        expand, json_bytes, _ = self._terms
        try:
            self.hold(len(body))
            if expand is not None:
                body = expand(body, inference.limits.body_bytes)
                self.hold(len(body))
            self.call = serving.codec.decode(body, json_bytes)
        except RequestError as error:
            self.fail(error)
        except Exception as error:  # noqa: BLE001 - outermost: no client may end the process
            self._crash(error)
        else:
            self.submitted_at = self._decoded_at = now = time.perf_counter()
            inference.metrics.decode_s.observe(now - self._started)
            serving.scheduler.submit(self)

    def fail(self, error: RequestError) -> None:
        """Answer with an error."""
        self._answer(STATUS[type(error)], Answer(encode(ErrorBody(str(error)))))

    def finish(self, outcome: Outcome) -> None:
        """Answer with what the scheduler found out."""
        if not isinstance(outcome, list):
            self.fail(outcome)
            return
        began = time.perf_counter()
        inference, serving = self._inference, self._serving
        try:
            answer = serving.codec.encode(self.call, outcome)
        except Exception as error:  # noqa: BLE001 - outermost: no model may end the process
            self._crash(error)
            return
        guard = serving.guard
        guard.due -= 1
        if answer.nonfinite or guard.due <= 0:
            guard.look(self.call, outcome, nonfinite=answer.nonfinite)
        inference.metrics.encode_s.observe(self._answer(_OK, answer) - began)

    def _crash(self, error: Exception) -> None:
        logs.LOGGER.error("request-crashed", exc_info=error, extra={"fields": self._identity()})
        self._answer(_CRASHED, Answer(encode(ErrorBody("the server failed; its log says why"))))

    def _answer(self, status: int, answer: Answer) -> float:
        """When the answer was ready; sending it is not counted."""
        now = time.perf_counter()
        metrics = self._inference.metrics
        metrics.answered(self._role, status, now - self._started, self._bytes)
        if self._bytes >= LARGE_BYTES:
            self._inference.reclaim.after_large()
        if self._inference.tracer is not None:
            self._trace(self._inference.tracer, status, now)
        sample = self._inference.access_log_sample
        if sample and random.random() < sample:  # noqa: S311 - a choice of log lines
            self._log(status, answer, now)
        self._on_answer(status, answer)
        return now

    def _trace(self, tracer: Tracer, status: int, now: float) -> None:
        decoded_at, ran = self._decoded_at, self.ran
        submitted_at = None if decoded_at is None else self.submitted_at
        began, run_s, rows = (ran.began, ran.run_s, ran.rows) if ran else (None, 0.0, 0)
        self.traceresponse = tracer.record(
            self._given,
            Steps(self._started, decoded_at, submitted_at, began, run_s, now),
            status=status,
            role=self._role,
            request_id=self.request_id.decode(),
            batch_rows=rows,
        )

    def _log(self, status: int, answer: Answer, now: float) -> None:
        logs.info(
            "request",
            **self._identity(),
            role=self._role,
            status=status,
            duration_ms=round((now - self._started) * 1000, 3),
            body_bytes=self._bytes,
            answer_bytes=len(answer.body),
        )

    def _identity(self) -> dict[str, str]:
        """By which a request is found in the logs of others as well."""
        if self.traceresponse:
            return {"request_id": self.request_id.decode(), **tracing.ids(self.traceresponse)}
        trace_id = headers.trace_id(self._given)
        found = {"request_id": self.request_id.decode()}
        return found | {"trace_id": trace_id} if trace_id else found


def too_large(max_bytes: int) -> BodyTooLarge:
    """The error for a body that turned out larger than allowed."""
    return BodyTooLarge(f"body: found more than {max_bytes} bytes, expected at most these")
