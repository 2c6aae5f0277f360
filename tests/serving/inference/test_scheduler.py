"""Calls that run together on a real session, and those that never run."""

import asyncio
import time
from math import inf
from typing import Any

import pytest

from modelserver import errors
from modelserver.codec.calls import Call, Codec
from modelserver.inference import batch
from modelserver.inference.batch import Outcome
from modelserver.inference.scheduler import Scheduler
from modelserver.model.contract import Contract, shared_sizes
from modelserver.model.session import Model
from modelserver.observe.metrics import Metrics
from tests.serving import onnx_models
from tests.serving.codecs import request
from tests.serving.loading import Load, specs


def calls(loaded: Model, rows: list[list[float]]) -> list[Call]:
    """One call a row."""
    codec = Codec(model="sample", release="r1", contract=loaded.contract)
    return [codec.decode(request({"shape": [1, 2], "data": row})) for row in rows]


def test_batch_gives_each_call_its_own_rows(load: Load) -> None:
    """Calls of several rows come out of a batch as they went in."""
    loaded = load(onnx_models.identity("FP32"))
    codec = Codec(model="sample", release="r1", contract=loaded.contract)
    first = codec.decode(request({"shape": [2, 2], "data": [1, 2, 3, 4]}))
    second = codec.decode(request({"shape": [1, 2], "data": [5, 6]}))

    outcomes = batch.execute(loaded, [first, second])

    assert [[array.tolist() for array in outcome] for outcome in outcomes] == [
        [[[1.0, 2.0], [3.0, 4.0]]],
        [[[5.0, 6.0]]],
    ]


def test_bad_call_in_a_batch_fails_alone(load: Load) -> None:
    """One client's bad index does not fail the others that ran with it."""
    contract = Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,))))
    loaded = load(onnx_models.pick(), contract)
    codec = Codec(model="sample", release="r1", contract=contract)
    bodies = [request({"shape": [1], "datatype": "INT64", "data": [index]}) for index in (0, 9, 2)]

    first, bad, last = batch.execute(loaded, [codec.decode(body) for body in bodies])

    assert isinstance(bad, errors.InvalidRequest)
    assert [first[0].tolist(), last[0].tolist()] == [[10.0], [30.0]]


class Waiting:
    """A call and the future of its outcome."""

    def __init__(self, call: Call, *, expires_at: float = inf, cancelled: bool = False) -> None:
        self.call = call
        self.submitted_at = time.perf_counter()
        self.expires_at = expires_at
        self.cancelled = cancelled
        self.future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def finish(self, outcome: Outcome) -> None:
        """Keep the outcome."""
        self.future.set_result(outcome)


async def scheduled(
    loaded: Model,
    waiting: list[Call],
    **options: Any,  # noqa: ANN401
) -> tuple[list[Outcome], Metrics]:
    """Outcomes of calls that are submitted in one turn of the event loop."""
    metrics = Metrics(model="sample", release="r1")
    scheduler = Scheduler(loaded, metrics, **options)
    futures = []
    for call in waiting:
        job = Waiting(call)
        scheduler.submit(job)
        futures.append(job.future)
    return await asyncio.gather(*futures), metrics


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize(
    ("max_rows", "max_delay_s", "runs"), [(1, 0, 20), (8, 0, 3), (8, 0.001, 3), (64, 0.001, 1)]
)
def test_waiting_calls_run_together(
    load: Load,
    inline: bool,  # noqa: FBT001
    max_rows: int,
    max_delay_s: float,
    runs: int,
) -> None:
    """Calls of one turn run in as few batches as the limit allows, each with its own answer."""
    loaded = load(onnx_models.identity("FP32"))
    rows = [[float(number), -float(number)] for number in range(20)]

    outcomes, metrics = asyncio.run(
        scheduled(
            loaded, calls(loaded, rows), inline=inline, max_rows=max_rows, max_delay_s=max_delay_s
        )
    )

    assert [outcome[0].tolist()[0] for outcome in outcomes] == rows
    assert metrics.batch_rows.total == 20
    assert metrics.compute_s.buckets()[-1][1] == runs


def test_different_shapes_never_mix(load: Load) -> None:
    """Calls whose rows differ in size run in batches of their own, in order of arrival."""
    contract = Contract(specs(x=("FP32", (-1, -1))), specs(y=("FP32", (-1, -1))))
    loaded = load(onnx_models.identity("FP32", ("N", "M")), contract)
    codec = Codec(
        model="sample", release="r1", contract=contract, shared=shared_sizes(loaded.graph)
    )
    waiting = [
        codec.decode(request({"shape": [1, size], "data": [float(size)] * size}))
        for size in (1, 2, 1, 2, 3)
    ]

    outcomes, metrics = asyncio.run(scheduled(loaded, waiting, inline=True, max_rows=8))

    assert [outcome[0].shape for outcome in outcomes] == [(1, 1), (1, 2), (1, 1), (1, 2), (1, 3)]
    assert metrics.compute_s.buckets()[-1][1] == 3


def test_calls_that_nobody_wants_are_dropped(load: Load) -> None:
    """A call whose time is over, or whose client is gone, is not run, in a batch or alone."""
    loaded = load(onnx_models.identity("FP32"))
    waiting = calls(loaded, [[float(number), 0.0] for number in range(6)])
    metrics = Metrics(model="sample", release="r1")

    async def run() -> list[Outcome]:
        scheduler = Scheduler(loaded, metrics, inline=True, max_rows=8)
        late = time.perf_counter() - 1
        jobs = [
            Waiting(call, expires_at=late if number in {0, 3} else inf, cancelled=number in {1, 4})
            for number, call in enumerate(waiting)
        ]
        for job in jobs:
            scheduler.submit(job)
        return list(await asyncio.gather(*(job.future for job in jobs)))

    outcomes = asyncio.run(run())

    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [errors.DeadlineExceeded, errors.Disconnected, list] * 2
    assert metrics.dropped == {"deadline": 2, "disconnect": 2}
    assert metrics.batch_rows.total == 2


def test_waits_are_told_apart(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time held back for other calls is batch wait, the rest is queue."""
    loaded = load(onnx_models.identity("FP32"))
    waiting = calls(loaded, [[1.0, 2.0], [3.0, 4.0]])
    now_s = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now_s[0])

    async def run() -> Metrics:
        options = {"inline": True, "max_rows": 8, "max_delay_s": 0.001}
        held = asyncio.ensure_future(scheduled(loaded, waiting, **options))
        await asyncio.sleep(0)  # they are submitted
        now_s[0] = 0.25
        return (await held)[1]

    metrics = asyncio.run(run())

    assert metrics.batch_wait_s.total == 0.5
    assert metrics.queue_s.total == 0


def test_failure_reaches_its_call_only(load: Load) -> None:
    """A failing call does not disturb the scheduler."""
    contract = Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,))))
    loaded = load(onnx_models.pick(), contract)
    codec = Codec(model="sample", release="r1", contract=contract)
    waiting = [
        codec.decode(request({"shape": [1], "datatype": "INT64", "data": [index]}))
        for index in (7, 1)
    ]

    (bad, good), _ = asyncio.run(scheduled(loaded, waiting, inline=False))

    assert isinstance(bad, errors.InvalidRequest)
    assert good[0].tolist() == [20.0]
