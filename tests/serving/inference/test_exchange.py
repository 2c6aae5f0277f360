"""Requests that no transport brought: an exchange takes plain values and gives plain values."""

import asyncio
import json
import zlib
from dataclasses import replace
from functools import partial

import pytest

from modelserver import errors
from modelserver.codec.buffer import Claim
from modelserver.codec.calls import Answer, Call, Codec
from modelserver.http.compression import expander
from modelserver.inference.costs import Rows
from modelserver.inference.exchange import Exchange, Result
from modelserver.inference.guard import SLICE, Guard, Policy
from modelserver.inference.lifecycle import Lifecycle, Serving
from modelserver.inference.limits import Limits
from modelserver.inference.pace import Pace
from modelserver.inference.scheduler import Scheduler
from modelserver.inference.shared import Inference
from modelserver.inference.terms import Terms
from modelserver.observe.metrics import Metrics
from modelserver.start.warmup import Profile
from tests.serving import onnx_models
from tests.serving.codecs import request
from tests.serving.loading import XY, Load
from waiting import until_seen

BODY = request({})
LIMITS = Limits(requests=2, body_bytes=len(BODY), total_bytes=len(BODY) + 1)
NO_TERMS = Terms()


def inference(load: Load, codec: Codec | None = None) -> Inference:
    """Behind which a model gives y = x, in the event loop."""
    metrics = Metrics(model="sample", release="r1")
    lifecycle = Lifecycle(metrics)
    model = load(onnx_models.identity("FP32"))
    pace = Pace((("x", 0),), [(1,)])
    policy = Policy(window=SLICE, nonfinite_share=1, constant_share=1, unready=False)
    lifecycle.ready(
        Serving(
            model,
            Profile(0.0001, None, takes_no_rows=True),
            codec or Codec(model="sample", release="r1", contract=XY),
            Scheduler(model, metrics, pace),
            Guard(policy, XY, metrics, lifecycle.doubt),
            batching="off",
            pace=pace,
            independence="not asked",
        )
    )
    return Inference(lifecycle, metrics, LIMITS)


def take(behind: Inference, body: bytes, terms: Terms, results: list[Result]) -> None:
    """Take a request as a transport does, and keep what comes of it."""
    exchange = Exchange(behind, "direct", b"one", lambda _, result: results.append(result))
    if exchange.admit():
        exchange.run(body, terms)


def results(
    load: Load,
    *,
    body: bytes = BODY,
    terms: Terms = NO_TERMS,
    requests: int = 1,
    codec: Codec | None = None,
) -> tuple[list[Result], Metrics]:
    """What comes of requests that are made at once, and the metrics afterwards."""
    found: list[Result] = []

    async def run() -> Metrics:
        behind = inference(load, codec)
        for _ in range(requests):
            take(behind, body, terms, found)
        await until_seen(partial(asyncio.sleep, 0), lambda _: len(found) == requests)
        return behind.metrics

    return found, asyncio.run(run())


def test_answer_is_a_value(load: Load) -> None:
    """A request that can be answered gives the answer's body, and nothing of a transport."""
    (answer,), _ = results(load)

    assert isinstance(answer, Answer)
    assert [1.5, 2.0] == json.loads(answer.body)["outputs"][0]["data"]


def test_error_is_a_value() -> None:
    """A request that cannot be answered gives the error, once."""
    metrics = Metrics(model="sample", release="r1")
    found: list[Result] = []

    take(Inference(Lifecycle(metrics), metrics, LIMITS), BODY, NO_TERMS, found)

    assert [errors.NotReady] == [type(each) for each in found]


def test_terms_bound_the_wait(load: Load) -> None:
    """A request whose time is over when its turn comes is not run."""
    (error,), _ = results(load, terms=Terms(timeout_s=0.0))

    assert isinstance(error, errors.DeadlineExceeded)


def test_terms_name_the_compression(load: Load) -> None:
    """The body is expanded by what the terms bring, to no more than one body may have."""
    most = []

    def expand(body: memoryview, most_bytes: int, _claim: Claim) -> memoryview:
        most.append(most_bytes)
        return memoryview(zlib.decompress(body))

    (answer,), _ = results(load, body=zlib.compress(BODY), terms=Terms(expand))

    assert isinstance(answer, Answer)
    assert [LIMITS.body_bytes] == most


def test_fault_of_the_server_is_an_error_with_its_cause(load: Load) -> None:
    """What goes wrong in this server reaches neither the event loop nor, in words, the client."""

    class Broken(Codec):
        def decode(self, *_: object) -> Call:  # type: ignore[override]
            raise ZeroDivisionError

    (error,), _ = results(load, codec=Broken(model="sample", release="r1", contract=XY))

    assert isinstance(error, errors.RequestCrashed)
    assert "the server failed; its log says why" == str(error)
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_fault_in_the_answer_is_an_error_too(load: Load) -> None:
    """A model whose outputs cannot be said fails its request, once, and nothing else."""

    class Broken(Codec):
        def encode(self, *_: object) -> Answer:  # type: ignore[override]
            raise ZeroDivisionError

    found, metrics = results(load, codec=Broken(model="sample", release="r1", contract=XY))

    assert [errors.RequestCrashed] == [type(each) for each in found]
    assert 0 == metrics.in_flight


def waiting(limits: Limits, count: int) -> tuple[list[Exchange], Metrics]:
    """Requests of one process whose bodies are still on their way."""
    metrics = Metrics(model="sample", release="r1")
    behind = Inference(Lifecycle(metrics), metrics, limits)
    return [Exchange(behind, "direct", b"", lambda *_: None) for _ in range(count)], metrics


def test_body_in_parts_is_counted_once() -> None:
    """However often it is told how much of a body there is, each byte of it counts once."""
    (exchange,), metrics = waiting(Limits(requests=1, body_bytes=9, total_bytes=9), 1)
    held = []
    for size in (4, 9, 9):
        exchange.hold(size)
        held.append(metrics.in_flight_bytes)
    exchange.fail(errors.BodyTooSlow("stopped"))

    assert [4, 9, 9] == held
    assert 0 == metrics.in_flight_bytes


def test_bodies_may_fill_the_room_that_there_is() -> None:
    """The last byte of the bound for all bodies can be used; one more is refused and counted."""
    (one, other), metrics = waiting(Limits(requests=2, body_bytes=9, total_bytes=9), 2)
    one.hold(5)
    other.hold(4)

    with pytest.raises(errors.Overloaded):
        other.hold(5)

    assert 9 == metrics.in_flight_bytes
    assert 1 == metrics.rejected["overloaded_bytes"]


ROWS = 25_000
LARGE = request({"shape": [ROWS, 2], "data": [0] * 2 * ROWS})
ROOMY = Limits(requests=4, body_bytes=len(LARGE), total_bytes=4 * len(LARGE))


def in_room(load: Load, limits: Limits) -> tuple[Result, Metrics]:
    """What comes of a large request."""
    found: list[Result] = []

    async def run() -> Metrics:
        behind = inference(load)
        behind.limits = limits
        take(behind, LARGE, NO_TERMS, found)
        await until_seen(partial(asyncio.sleep, 0), lambda _: found)
        return behind.metrics

    metrics = asyncio.run(run())
    return found[0], metrics


def test_what_was_held_is_given_back(load: Load) -> None:
    """Whatever comes of a large request, nothing of it counts once it has ended."""
    answer, metrics = in_room(load, ROOMY)

    assert isinstance(answer, Answer)
    assert 0 == metrics.held_bytes


def test_tensors_of_a_large_body_are_bounded(load: Load) -> None:
    """Where no other request is in the way, coming again does not help: that is no 503."""
    error, metrics = in_room(load, replace(ROOMY, tensor_bytes=150_000))

    assert isinstance(error, errors.RequestTooLarge)
    assert str(error).startswith(
        "inputs: found tensors of 200000 bytes or more, expected at most 150000"
    )
    assert 0 == metrics.held_bytes


@pytest.mark.parametrize("beside_body", [100_000, 500_000])
def test_large_requests_hold_more_than_their_bodies(load: Load, beside_body: int) -> None:
    """What a body becomes, and its answer, need room, which is asked for before they are made."""
    room = len(LARGE) + beside_body
    error, metrics = in_room(load, replace(ROOMY, total_cost_bytes=room))

    assert isinstance(error, errors.Overloaded)
    assert 1 == metrics.rejected["overloaded_bytes"]
    assert 0 == metrics.held_bytes


def test_rows_past_the_limit_are_refused_however_small(load: Load) -> None:
    """A body that is not worth a look otherwise still has its rows compared."""
    found: list[Result] = []
    body = request({"shape": [2, 2], "data": [1, 2, 3, 4]})

    async def run() -> None:
        behind = inference(load)
        behind.limits = replace(LIMITS, body_bytes=1000, total_bytes=1000, rows=1)
        behind.lifecycle.ready(replace(behind.lifecycle.require(), rows=Rows(1.0, 1.0)))
        take(behind, body, NO_TERMS, found)

    asyncio.run(run())

    assert [errors.RequestTooLarge] == [type(each) for each in found]


def test_memory_that_is_short_is_no_fault(load: Load) -> None:
    """A body that finds no memory while it is read may come again."""

    class Short(Codec):
        def decode(self, *_: object) -> Call:  # type: ignore[override]
            raise MemoryError

    (error,), _ = results(load, codec=Short(model="sample", release="r1", contract=XY))

    assert isinstance(error, errors.Overloaded)


def test_expanded_body_needs_room_as_well(load: Load) -> None:
    """A compressed body counts with what it becomes, for which there may be no room."""
    found: list[Result] = []

    async def run() -> Metrics:
        behind = inference(load)
        other = Exchange(behind, "direct", b"other", lambda *_: None)
        other.hold(LIMITS.total_bytes - len(BODY) + 1)
        take(behind, zlib.compress(BODY), Terms(expander(b"deflate")), found)
        await until_seen(partial(asyncio.sleep, 0), lambda _: found)
        return behind.metrics

    metrics = asyncio.run(run())

    assert [errors.Overloaded] == [type(each) for each in found]
    assert LIMITS.total_bytes - len(BODY) + 1 == metrics.in_flight_bytes


def test_time_of_the_body_counts(load: Load) -> None:
    """A client's time runs from its first byte, not from when its body had come."""
    found: list[Result] = []

    async def run() -> None:
        exchange = Exchange(inference(load), "direct", b"one", lambda _, each: found.append(each))
        exchange.admit()
        exchange.started_at -= 2.0  # so long the body took
        exchange.run(BODY, Terms(timeout_s=1.0))
        await asyncio.sleep(0)  # the scheduler's turn

    asyncio.run(run())

    assert [errors.DeadlineExceeded] == [type(each) for each in found]


def test_steps_tell_being_held_from_queueing(load: Load) -> None:
    """Time for which the scheduler held a request back lies between its decoding and its queue."""
    held: list[Exchange] = []

    async def run() -> None:
        exchange = Exchange(inference(load), "direct", b"one", lambda each, _: held.append(each))
        exchange.admit()
        exchange.run(BODY, NO_TERMS)
        exchange.submitted_at += 0.5  # as the scheduler counts it
        await asyncio.sleep(0)  # the scheduler's turn

    asyncio.run(run())

    steps = held[0].steps()
    assert steps.decoded is not None
    assert steps.submitted is not None
    assert pytest.approx(0.5) == steps.submitted - steps.decoded


@pytest.mark.parametrize("requests", [1, 3])
def test_requests_and_their_bodies_are_let_go(load: Load, requests: int) -> None:
    """Past the bounds a request is refused; afterwards nothing of any is in flight."""
    found, metrics = results(load, requests=requests)

    assert [errors.Overloaded] * (requests - 1) + [Answer] == [type(each) for each in found]
    assert (0, 0) == (metrics.in_flight, metrics.in_flight_bytes)
