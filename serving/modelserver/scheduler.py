"""When and with whom a call runs: the one place between a request and the model.

Calls are gathered for one turn of the event loop, so that sockets which became readable together
are answered together: that alone saves more than batching does. Those with an equal key then run as
one batch, where the model allows it. A quick model runs in the event loop, any other in one worker
thread, in which case calls gather while the last batch runs. Nothing waits unless `max_delay_s`
says so.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from modelserver import batch
from modelserver.batch import Outcome
from modelserver.codec import Call
from modelserver.errors import InferenceFailed
from modelserver.metrics import Metrics
from modelserver.model import Model

TURN_S = 0.005
"""Runs in the event loop for longer than this give way to health checks and new connections."""

OnOutcome = Callable[[Outcome], None]

_Job = tuple[Call, OnOutcome]
_Done = Callable[[Sequence[_Job], Sequence[Outcome], float], None]


class Scheduler:
    """Runs calls on one model; all methods belong to the event loop."""

    def __init__(
        self,
        model: Model,
        metrics: Metrics,
        *,
        inline: bool,
        max_rows: int = 1,
        max_delay_s: float = 0.0,
    ) -> None:
        self._model = model
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._max_rows = max_rows
        self._max_delay_s = max_delay_s
        self._waiting: deque[_Job] = deque()
        self._timer: asyncio.Handle | None = None
        self._running = False
        self._worker = None if inline else _Worker(model, self._finish_elsewhere)

    def submit(self, call: Call, on_outcome: OnOutcome) -> None:
        """Run a call; `on_outcome` is called later, in the event loop."""
        self._waiting.append((call, on_outcome))
        if self._running:
            return
        if self._timer is None:
            self._arm()
        elif self._max_delay_s and len(self._waiting) == self._max_rows:
            self._arm_now()

    def _arm(self) -> None:
        if self._max_delay_s and len(self._waiting) < self._max_rows:
            self._timer = self._loop.call_later(self._max_delay_s, self._dispatch)
        else:
            self._arm_now()

    def _arm_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._timer = None
        stop_at = time.perf_counter() + TURN_S
        while self._waiting:
            jobs = self._take()
            if self._worker is not None:
                self._running = True
                self._worker.run(jobs)
                return
            self._finish(jobs, *_timed(self._model, jobs))
            if self._waiting and time.perf_counter() > stop_at:
                self._arm_now()
                return

    def _take(self) -> list[_Job]:
        """The call that waits longest, and others that may run with it."""
        first = self._waiting.popleft()
        if self._max_rows <= 1 or not self._waiting:
            return [first]
        taken, left = [first], deque[_Job]()
        rows, key = first[0].rows, first[0].key
        for job in self._waiting:
            if job[0].key == key and rows + job[0].rows <= self._max_rows:
                taken.append(job)
                rows += job[0].rows
            else:
                left.append(job)
        self._waiting = left
        return taken

    def _finish_elsewhere(
        self, jobs: Sequence[_Job], outcomes: Sequence[Outcome], run_s: float
    ) -> None:
        self._running = False
        self._finish(jobs, outcomes, run_s)
        if self._waiting and self._timer is None:
            self._arm()

    def _finish(self, jobs: Sequence[_Job], outcomes: Sequence[Outcome], run_s: float) -> None:
        self._metrics.compute_s.observe(run_s)
        self._metrics.batch_rows.observe(sum(call.rows for call, _ in jobs))
        for (_, on_outcome), outcome in zip(jobs, outcomes, strict=True):
            on_outcome(outcome)


class _Worker:
    """One thread that runs batches: ONNX Runtime has threads of its own for a single run."""

    def __init__(self, model: Model, done: _Done) -> None:
        self._model = model
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[list[_Job]] = SimpleQueue()
        threading.Thread(target=self._work, name="inference", daemon=True).start()

    def run(self, jobs: list[_Job]) -> None:
        """Run a batch; `done` is called in the event loop."""
        self._queue.put(jobs)

    def _work(self) -> None:
        while True:
            jobs = self._queue.get()
            outcomes, run_s = _timed(self._model, jobs)
            self._loop.call_soon_threadsafe(self._done, jobs, outcomes, run_s)


def _timed(model: Model, jobs: Sequence[_Job]) -> tuple[list[Outcome], float]:
    """Outcomes and seconds of one run; whatever goes wrong in it becomes an outcome."""
    start = time.perf_counter()
    try:
        outcomes = batch.execute(model, [call for call, _ in jobs])
    except Exception as error:  # noqa: BLE001 - every waiting request must get an answer
        failure = InferenceFailed(f"the batch failed: {type(error).__name__}: {error}")
        outcomes = [failure for _ in jobs]
    return outcomes, time.perf_counter() - start
