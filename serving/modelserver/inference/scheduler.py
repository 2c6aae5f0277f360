"""When a call runs, and with which others: the one place between a request and the model.

Calls are gathered for one turn of the event loop, so that connections which became readable
together are answered together; that alone saves more than batching does. Those with an equal key
then run as one batch, if the model allows it. Calls that are known to be quick run in the event
loop. Any other runs in one worker thread, where calls gather while a batch runs, and from which
`Pace` learns. No call waits for others unless `max_delay_s` says so. A call is never run if its
time is over, or its client gone, before its turn.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Protocol

from modelserver.codec.calls import Call
from modelserver.errors import DeadlineExceeded, Disconnected, InferenceFailed
from modelserver.inference import batch
from modelserver.inference.batch import Outcome, Ran
from modelserver.inference.pace import LONG_S, Pace
from modelserver.model.session import Model
from modelserver.observe.metrics import Metrics

TURN_S = 0.005
"""After so long a time of runs in the event loop, health checks and new connections come first."""


class Job(Protocol):
    """A call, and whoever waits for it; times are those of `time.perf_counter`.

    From `expires_at` on, or once it is `cancelled`, it need not run any more. `is_quick` says that
    it may run in the event loop. If it has run, `ran` is set before `finish` is called.
    """

    call: Call
    is_quick: bool
    submitted_at: float
    expires_at: float
    cancelled: bool
    ran: Ran | None

    def finish(self, outcome: Outcome) -> None:
        """Take the outcome; called once, in the event loop."""


class Scheduler:
    """Runs calls on one model; all methods belong to the event loop."""

    def __init__(
        self,
        model: Model,
        metrics: Metrics,
        pace: Pace,
        *,
        max_rows: int = 1,
        max_delay_s: float = 0.0,
    ) -> None:
        delay_s = max_delay_s if max_rows > 1 else 0.0

        def lane(worker: _Worker | None) -> _Lane:
            return _Lane(model, metrics, pace, worker, max_rows=max_rows, max_delay_s=delay_s)

        self._quick = quick = lane(None)
        self._other = other = lane(_Worker(model))
        metrics.queue_depth = lambda: len(quick.waiting) + len(other.waiting)

    def submit(self, job: Job) -> None:
        """Run a call, or drop it; in both cases `job.finish` is called later."""
        (self._quick if job.is_quick else self._other).submit(job)


class _Lane:
    """Calls that wait for their turn, in the event loop or, with a worker, in its thread."""

    def __init__(
        self,
        model: Model,
        metrics: Metrics,
        pace: Pace,
        worker: "_Worker | None",
        *,
        max_rows: int,
        max_delay_s: float,
    ) -> None:
        self._model = model
        self._metrics = metrics
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._max_rows = max_rows
        self._max_delay_s = max_delay_s
        self.waiting: deque[Job] = deque()
        self._timer: asyncio.Handle | None = None
        self._held_since: float | None = None
        self._running = False
        self._worker = worker

    def submit(self, job: Job) -> None:
        """As the scheduler's."""
        self.waiting.append(job)
        if self._running:
            return
        if self._timer is None:
            self._arm()
        elif self._max_delay_s and len(self.waiting) == self._max_rows:
            self._arm_now()

    def _arm(self) -> None:
        if self._max_delay_s and len(self.waiting) < self._max_rows:
            self._held_since = time.perf_counter()
            self._timer = self._loop.call_later(self._max_delay_s, self._dispatch)
        else:
            self._arm_now()

    def _arm_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._timer = None
        now = time.perf_counter()
        stop_at = now + TURN_S
        if self._held_since is not None:
            self._count_held(self._held_since, now)
        while jobs := self._take(now):
            if self._worker is not None:
                self._running = True
                self._worker.run(jobs, self._finish_elsewhere)
                return
            ran = _timed(self._model, jobs)
            if ran.run_s > LONG_S:
                self._pace.ran_too_long(jobs[0].call)
            self._finish(jobs, ran)
            now = ran.began + ran.run_s
            if self.waiting and now > stop_at:
                self._arm_now()
                return

    def _count_held(self, since: float, now: float) -> None:
        """Count the time that calls were held back for others, which is no wait for the model."""
        self._held_since = None
        for job in self.waiting:
            held_s = now - max(job.submitted_at, since)
            self._metrics.batch_wait_s.observe(held_s)
            job.submitted_at += held_s

    def _take(self, now: float) -> list[Job]:
        """The call that has waited longest, and those that may run with it; none if none waits."""
        while self.waiting:
            first = self.waiting.popleft()
            if first.cancelled or first.expires_at <= now:
                self._drop(first)
            else:
                return self._join(first, now)
        return []

    def _join(self, first: Job, now: float) -> list[Job]:
        if self._max_rows <= 1 or not self.waiting:
            return [first]
        taken, left = [first], deque[Job]()
        rows, key = first.call.rows, first.call.key
        for job in self.waiting:
            if job.call.key != key or rows + job.call.rows > self._max_rows:
                left.append(job)
            elif job.cancelled or job.expires_at <= now:
                self._drop(job)
            else:
                taken.append(job)
                rows += job.call.rows
        self.waiting = left
        return taken

    def _drop(self, job: Job) -> None:
        """End a call that nobody waits for any more."""
        if job.cancelled:
            self._metrics.dropped["disconnect"] += 1
            job.finish(Disconnected("the client went away before its request began to run"))
        else:
            self._metrics.dropped["deadline"] += 1
            job.finish(DeadlineExceeded("the request's time was over before it began to run"))

    def _finish_elsewhere(self, jobs: Sequence[Job], ran: Ran) -> None:
        self._running = False
        self._pace.ran_in_thread(jobs[0].call, ran.run_s, calls=len(jobs))
        self._finish(jobs, ran)
        if self.waiting and self._timer is None:
            self._arm()

    def _finish(self, jobs: Sequence[Job], ran: Ran) -> None:
        self._metrics.compute_s.observe(ran.run_s)
        for job, outcome in zip(jobs, ran.outcomes, strict=True):
            job.ran = ran
            self._metrics.queue_s.observe(ran.began - job.submitted_at)
            job.finish(outcome)
        self._metrics.batch_rows.observe(ran.rows)


_Done = Callable[[Sequence[Job], Ran], None]


class _Worker:
    """One thread that runs batches; ONNX Runtime has threads of its own for a single run."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[list[Job], _Done]] = SimpleQueue()
        threading.Thread(target=self._work, name="inference", daemon=True).start()

    def run(self, jobs: list[Job], done: "_Done") -> None:
        """Run a batch; `done` is then called in the event loop."""
        self._queue.put((jobs, done))

    def _work(self) -> None:
        while True:
            jobs, done = self._queue.get()
            self._loop.call_soon_threadsafe(done, jobs, _timed(self._model, jobs))
            del jobs, done  # nothing is kept until the next batch comes


def _timed(model: Model, jobs: Sequence[Job]) -> Ran:
    """One run, timed; whatever goes wrong in it becomes an outcome."""
    began = time.perf_counter()
    try:
        outcomes = batch.execute(model, [job.call for job in jobs])
    except Exception as error:  # noqa: BLE001 - every waiting request must get an answer
        failure = InferenceFailed(f"the batch failed: {type(error).__name__}: {error}")
        outcomes = [failure for _ in jobs]
    run_s = time.perf_counter() - began
    return Ran(outcomes, began, run_s, sum([job.call.rows for job in jobs]))
