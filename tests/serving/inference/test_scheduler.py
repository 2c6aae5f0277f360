"""Calls that run together on a real session, and those that never run."""

import asyncio
import time
from dataclasses import replace
from itertools import count
from math import inf
from typing import Any

import pytest

from modelserver import errors
from modelserver.codec.calls import Call, Codec
from modelserver.inference.batch import Outcome
from modelserver.inference.pace import Pace
from modelserver.inference.scheduler import Scheduler
from modelserver.model.contract import Contract, shared_sizes
from modelserver.model.session import Model
from modelserver.observe.metrics import Metrics
from tests.serving import onnx_models
from tests.serving.codecs import request
from tests.serving.jobs import GatedSession, Waiting, call_of, calls, rows_of_runs, submit
from tests.serving.loading import Load, specs
from waiting import PATIENCE_S

NEVER_S = 1000 * PATIENCE_S
"""A delay whose end no test sees."""


async def scheduled(
    loaded: Model,
    waiting: list[Call],
    *,
    inline: bool,
    **options: Any,  # noqa: ANN401
) -> tuple[list[Outcome], Metrics]:
    """Outcomes of calls that are submitted in one turn of the event loop."""
    metrics = Metrics(model="sample", release="r1")
    scheduler = Scheduler(loaded, metrics, Pace(), **options)
    jobs = submit(scheduler, waiting, is_quick=inline)
    return await asyncio.gather(*(job.future for job in jobs)), metrics


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
        scheduler = Scheduler(loaded, metrics, Pace(), max_rows=8)
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
    """Time held back for other calls is batch wait, and the rest until the run begins is queue."""
    loaded = load(onnx_models.identity("FP32"))
    early, late = calls(loaded, [[1.0, 2.0], [3.0, 4.0]])
    metrics = Metrics(model="sample", release="r1")
    now_s = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now_s[0])

    class Slow:
        def run(self, *given: Any) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
            now_s[0] += 1.0
            return loaded.session.run(*given)

    async def run() -> None:
        model = replace(loaded, session=Slow())
        scheduler = Scheduler(model, metrics, Pace(), max_rows=8, max_delay_s=0.001)
        jobs = submit(scheduler, [early])
        now_s[0] = 0.125
        jobs += submit(scheduler, [late])
        now_s[0] = 0.25
        await rows_of_runs(jobs)

    asyncio.run(run())

    assert metrics.batch_wait_s.total == 0.25 + 0.125
    assert metrics.queue_s.total == 0
    assert metrics.compute_s.total == 1.0


@pytest.mark.parametrize("rows", [(2, 1, 1, 2), (1, 2, 1, 2)])
def test_batch_is_filled_to_its_last_row(load: Load, rows: tuple[int, ...]) -> None:
    """Calls of several rows join as long as all their rows fit, and no longer."""
    loaded = load(onnx_models.identity("FP32"))
    waiting = [call_of(loaded, *[[1.0, 2.0]] * each) for each in rows]

    async def run() -> list[int]:
        metrics = Metrics(model="sample", release="r1")
        scheduler = Scheduler(loaded, metrics, Pace(), max_rows=3)
        return await rows_of_runs(submit(scheduler, waiting))

    assert [3, 3, 3, 3] == asyncio.run(run())


@pytest.mark.parametrize("max_rows", [1, 2])
def test_full_batch_waits_for_nobody(load: Load, max_rows: int) -> None:
    """Once as many rows are there as may run together, the delay for others is over."""
    loaded = load(onnx_models.identity("FP32"))
    waiting = calls(loaded, [[1.0, 2.0]] * max_rows)

    async def run() -> list[int]:
        metrics = Metrics(model="sample", release="r1")
        scheduler = Scheduler(loaded, metrics, Pace(), max_rows=max_rows, max_delay_s=NEVER_S)
        async with asyncio.timeout(PATIENCE_S):
            return await rows_of_runs(submit(scheduler, waiting))

    assert [max_rows] * max_rows == asyncio.run(run())


@pytest.mark.parametrize("max_delay_s", [0.0, NEVER_S])
def test_calls_gather_while_the_model_runs(load: Load, max_delay_s: float) -> None:
    """What comes during a run, turn after turn, is the next batch, held back no longer if full."""
    loaded = load(onnx_models.identity("FP32"))
    gated = GatedSession(loaded.session)
    first, second, third, fourth = calls(loaded, [[float(number), 0.0] for number in range(4)])

    async def run() -> list[int]:
        metrics = Metrics(model="sample", release="r1")
        model = replace(loaded, session=gated)
        scheduler = Scheduler(model, metrics, Pace(), max_rows=2, max_delay_s=max_delay_s)
        jobs = submit(scheduler, [first, second], is_quick=False)
        await asyncio.sleep(0)  # they begin to run
        jobs += submit(scheduler, [third], is_quick=False)
        await asyncio.sleep(0)
        jobs += submit(scheduler, [fourth], is_quick=False)
        await asyncio.sleep(0)
        gated.gate.set()
        async with asyncio.timeout(PATIENCE_S):
            return await rows_of_runs(jobs)

    assert [2, 2, 2, 2] == asyncio.run(run())


def test_slow_runs_let_others_have_their_turn(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two long runs in the event loop, whatever else waits there comes first."""
    loaded = load(onnx_models.identity("FP32"))
    waiting = calls(loaded, [[1.0, 2.0], [3.0, 4.0]])
    clock = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))  # each look is a second
    done: list[bool] = []

    async def run() -> None:
        scheduler = Scheduler(loaded, Metrics(model="sample", release="r1"), Pace())
        jobs = submit(scheduler, waiting)
        other = asyncio.get_running_loop().call_soon
        other(lambda: done.extend(job.future.done() for job in jobs))
        async with asyncio.timeout(PATIENCE_S):
            await rows_of_runs(jobs)

    asyncio.run(run())

    assert [True, False] == done


def test_runs_teach_where_the_next_ones_belong(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick run in the thread leads to the event loop, and a long one there away from it."""
    loaded = load(onnx_models.identity("FP32"))
    (call,) = calls(loaded, [[1.0, 2.0]])
    pace = Pace((("x", 0),))
    now_s, run_s = [0.0], [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now_s[0])

    class Timed:
        def run(self, *given: Any) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
            now_s[0] += run_s[0]
            return loaded.session.run(*given)

    async def run() -> list[bool]:
        metrics = Metrics(model="sample", release="r1")
        scheduler = Scheduler(replace(loaded, session=Timed()), metrics, pace)
        seen = []
        for taken_s in (0.002, 0.0, 0.006):
            run_s[0] = taken_s
            await rows_of_runs(submit(scheduler, [call], is_quick=pace.is_quick(call)))
            seen.append(pace.is_quick(call))
        return seen

    assert [False, True, False] == asyncio.run(run())


def test_quick_calls_pass_those_in_the_thread(load: Load) -> None:
    """While a run is long, those that are known to be quick are answered beside it."""
    loaded = load(onnx_models.identity("FP32"))
    gated = GatedSession(loaded.session)
    long, quick = calls(loaded, [[1.0, 2.0], [3.0, 4.0]])

    class Mixed:
        def run(self, outputs: Any, feeds: Any, *rest: Any) -> Any:  # noqa: ANN401
            behind = gated if feeds["x"][0, 0] == 1 else loaded.session
            return behind.run(outputs, feeds, *rest)

    async def run() -> list[bool]:
        metrics = Metrics(model="sample", release="r1")
        scheduler = Scheduler(replace(loaded, session=Mixed()), metrics, Pace())
        (first,) = submit(scheduler, [long], is_quick=False)
        (second,) = submit(scheduler, [quick])
        async with asyncio.timeout(PATIENCE_S):
            await rows_of_runs([second])
        done = [first.future.done(), second.future.done()]
        gated.gate.set()
        await rows_of_runs([first])
        return done

    assert [False, True] == asyncio.run(run())


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


def test_fault_of_a_run_reaches_every_call_of_it(load: Load) -> None:
    """Whatever goes wrong in a batch, nobody who waits for it is left without an outcome."""

    class Broken:
        def run(self, *given: Any) -> None:  # noqa: ANN401
            raise ZeroDivisionError(given)

    loaded = load(onnx_models.identity("FP32"))
    broken = replace(loaded, session=Broken())
    waiting = calls(loaded, [[1.0, 2.0], [3.0, 4.0]])

    outcomes, _ = asyncio.run(scheduled(broken, waiting, inline=False, max_rows=2))

    assert [errors.InferenceFailed] * 2 == [type(outcome) for outcome in outcomes]
