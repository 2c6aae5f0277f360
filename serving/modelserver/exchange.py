"""One inference request from its headers to its answer, whatever transport brought it."""

import time
from collections.abc import Callable
from functools import partial

from modelserver import headers, logs
from modelserver.batch import Outcome
from modelserver.codec import Answer, Call
from modelserver.errors import BodyTooLarge, Overloaded, RequestError
from modelserver.headers import Given
from modelserver.lifecycle import Lifecycle, Phase
from modelserver.metrics import Metrics
from modelserver.protocol import ErrorBody, encode
from modelserver.status import STATUS

OnAnswer = Callable[[int, Answer], None]

_OK = 200
_CRASHED = 500


class Inference:
    """What every exchange of this process shares."""

    def __init__(
        self,
        *,
        model: str,
        release: str,
        lifecycle: Lifecycle,
        metrics: Metrics,
        max_inflight: int,
        max_body_bytes: int,
    ) -> None:
        self.paths = frozenset(
            {f"/v2/models/{model}/infer", f"/v2/models/{model}/versions/{release}/infer"}
        )
        self.raw_paths = frozenset(path.encode() for path in self.paths)
        self.lifecycle = lifecycle
        self.metrics = metrics
        self.max_inflight = max_inflight
        self.max_body_bytes = max_body_bytes

    @property
    def closing(self) -> bool:
        """Whether clients should come back on another connection."""
        return self.lifecycle.phase is Phase.DRAINING


class Exchange:
    """One request; `on_answer` is called exactly once, in the event loop.

    First `admit`, then `run` with the body or `fail`.
    """

    __slots__ = ("_given", "_inference", "_json_bytes", "_on_answer", "_role", "_started")

    def __init__(self, inference: Inference, given: Given, on_answer: OnAnswer) -> None:
        self._started = time.perf_counter()
        self._inference = inference
        self._given = given
        self._on_answer = on_answer
        self._role = headers.role(given)
        self._json_bytes: int | None = None
        inference.metrics.in_flight += 1

    def admit(self) -> bool:
        """Whether the body is wanted; otherwise the answer has been given."""
        inference = self._inference
        try:
            inference.lifecycle.require()
            if inference.metrics.in_flight > inference.max_inflight:
                inference.metrics.rejected["overloaded"] += 1
                raise Overloaded(
                    f"{inference.max_inflight} requests are in flight already; try again"
                )
            headers.check_content(self._given)
            self._json_bytes = headers.json_bytes(self._given)
        except RequestError as error:
            self.fail(error)
            return False
        return True

    def run(self, body: bytes) -> None:
        """Decode the body and hand it to the scheduler."""
        inference = self._inference
        serving = inference.lifecycle.require()
        if len(body) > inference.max_body_bytes:
            self.fail(too_large(inference.max_body_bytes))
            return
        try:
            call = serving.codec.decode(body, self._json_bytes)
        except RequestError as error:
            self.fail(error)
        except Exception as error:  # noqa: BLE001 - outermost: no client may end the process
            self._crash(error)
        else:
            serving.scheduler.submit(call, partial(self._done, call))

    def fail(self, error: RequestError) -> None:
        """Answer with an error."""
        self._answer(STATUS[type(error)], Answer(encode(ErrorBody(str(error)))))

    def _done(self, call: Call, outcome: Outcome) -> None:
        if not isinstance(outcome, list):
            self.fail(outcome)
            return
        inference = self._inference
        codec = inference.lifecycle.require().codec
        try:
            answer = codec.encode(call, outcome)
        except Exception as error:  # noqa: BLE001 - outermost: no model may end the process
            self._crash(error)
            return
        inference.metrics.nonfinite_answers += answer.nonfinite
        self._answer(_OK, answer)

    def _crash(self, error: Exception) -> None:
        request_id = headers.request_id(self._given).decode()
        logs.LOGGER.error(
            "request-crashed", exc_info=error, extra={"fields": {"request_id": request_id}}
        )
        self._answer(_CRASHED, Answer(encode(ErrorBody("the server failed; its log says why"))))

    def _answer(self, status: int, answer: Answer) -> None:
        metrics = self._inference.metrics
        metrics.in_flight -= 1
        metrics.requests[self._role, status] += 1
        metrics.request_s[self._role].observe(time.perf_counter() - self._started)
        self._on_answer(status, answer)


def too_large(max_bytes: int) -> BodyTooLarge:
    """The error for a body that turned out larger than allowed."""
    return BodyTooLarge(f"body: found more than {max_bytes} bytes, expected at most these")
