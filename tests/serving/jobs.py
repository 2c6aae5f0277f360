"""Calls on a small model, and whoever waits for them, without a server."""

import asyncio
import threading
import time
from math import inf
from typing import Any

from modelserver.codec.calls import Call, Codec
from modelserver.inference.batch import Outcome, Ran
from modelserver.inference.scheduler import Scheduler
from modelserver.model.session import Model
from tests.serving.codecs import request


def call_of(loaded: Model, *rows: list[float]) -> Call:
    """One call of these rows of two numbers each."""
    codec = Codec(model="sample", release="r1", contract=loaded.contract)
    data = [number for row in rows for number in row]
    return codec.decode(request({"shape": [len(rows), 2], "data": data}))


def calls(loaded: Model, rows: list[list[float]]) -> list[Call]:
    """One call a row."""
    return [call_of(loaded, row) for row in rows]


class Waiting:
    """A call and the future of its outcome; `ran` is the run that gave it."""

    def __init__(
        self,
        call: Call,
        *,
        is_quick: bool = True,
        expires_at: float = inf,
        cancelled: bool = False,
    ) -> None:
        self.call = call
        self.is_quick = is_quick
        self.submitted_at = time.perf_counter()
        self.expires_at = expires_at
        self.cancelled = cancelled
        self.ran: Ran | None = None
        self.future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def finish(self, outcome: Outcome) -> None:
        """Keep the outcome."""
        self.future.set_result(outcome)


def submit(scheduler: Scheduler, waiting: list[Call], *, is_quick: bool = True) -> list[Waiting]:
    """Submit calls in one turn of the event loop."""
    jobs = [Waiting(call, is_quick=is_quick) for call in waiting]
    for job in jobs:
        scheduler.submit(job)
    return jobs


async def rows_of_runs(jobs: list[Waiting]) -> list[int]:
    """How many rows ran together with each job, once all of them have run."""
    await asyncio.gather(*(job.future for job in jobs))
    return [job.ran.rows if job.ran else 0 for job in jobs]


class GatedSession:
    """A session whose runs wait until `gate` is set."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - ONNX Runtime has no types
        self._session = session
        self.gate = threading.Event()

    def run(self, *given: Any) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
        """As the session's own, once the gate is open."""
        self.gate.wait()
        return self._session.run(*given)
