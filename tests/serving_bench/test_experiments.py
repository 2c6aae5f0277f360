"""The experiments' arithmetic and their client, on a server that refuses now and then."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from serving.bench.dialects import Body
from serving.bench.errors import ContestantError
from serving.bench.experiments import EXPERIMENTS, large_bodies, open_loop, overload
from serving.bench.experiments.open_loop import LOST, Answered
from serving.bench.models import MODELS
from serving.bench.wrk import Target


@asynccontextmanager
async def refusing() -> AsyncIterator[int]:
    """The port of a server that answers 200, 200, 503 in turn, and hangs up after 503."""
    statuses = itertools.cycle([200, 200, 503])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(3 if b"POST" in head else 0)
            status = next(statuses)
            end = "connection: close\r\n" if status == 503 else ""
            writer.write(f"HTTP/1.1 {status} x\r\n{end}content-length: 2\r\n\r\n{{}}".encode())
            if end:
                break
        writer.close()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    async with await asyncio.start_server(quietly, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def test_the_open_loop_keeps_its_rate_and_sees_every_status() -> None:
    """60 requests in 0.3 s, a third of them refused, none lost; the probes are counted apart."""

    async def scenario() -> tuple[list[Answered], list[Answered]]:
        async with refusing() as port:
            target = Target(port, "/", Body(b"abc", {}))
            return await open_loop.run(target, ready_path="/ready", per_s=200, seconds=0.3)

    answers, probes = asyncio.run(scenario())

    assert 60 == len(answers)
    assert 3 == len(probes)
    assert {200, 503} == {each.status for each in answers}
    assert 21 == sum(each.status == 503 for each in [*answers, *probes])


def test_a_dead_server_loses_every_request() -> None:
    """Refused connections are counted, not raised."""

    async def scenario() -> tuple[list[Answered], list[Answered]]:
        async with refusing() as port:
            pass
        return await open_loop.run(
            Target(port, "/", Body(b"abc", {})), ready_path="/", per_s=100, seconds=0.1
        )

    answers, _ = asyncio.run(scenario())

    assert [LOST] * 10 == [each.status for each in answers]


def test_goodput_counts_answers_within_the_time() -> None:
    """Late answers are admitted but no goodput; refused and lost ones are told apart."""
    answers = [
        Answered(sent_s=2, status=200, taken_s=1),
        Answered(sent_s=6, status=200, taken_s=2),
        Answered(sent_s=9, status=200, taken_s=3),
        Answered(sent_s=9, status=503, taken_s=0.001),
        Answered(sent_s=9, status=LOST, taken_s=10),
    ]

    figures = overload.figures(answers, capacity=0.4, seconds=10)

    assert pytest.approx(0.5) == figures["goodput_over_capacity"]
    assert (1, 1) == (figures["refused_requests"], figures["lost_requests"])
    assert 1000 == figures["admitted_p50_first_half_ms"]
    assert 2500 == figures["admitted_p50_second_half_ms"]


def test_a_server_that_admits_nothing_has_no_figures() -> None:
    """It is reported as failed."""
    with pytest.raises(ContestantError, match="no admitted request among 1"):
        overload.figures([Answered(0, LOST, 1)], capacity=1, seconds=1)


def test_small_requests_are_compared_with_themselves() -> None:
    """Goodput beside large bodies is that of alone in part; probes count however they end."""
    alone = [Answered(0, 200, 0.001) for _ in range(4)]
    beside = [Answered(0, 200, 0.002), Answered(0, 503, 0.001), Answered(0, LOST, 1)]
    probes = [Answered(0, 200, 0.003), Answered(0, 503, 0.005)]

    figures = large_bodies.figures((alone, []), (beside, probes))

    assert (0.25, 1) == (figures["goodput_over_alone"], figures["failed_probes"])
    assert (1, 2, 5) == tuple(
        pytest.approx(figures[name]) for name in ("alone_p99_ms", "beside_p99_ms", "probe_max_ms")
    )


def test_server_that_answers_nobody_has_no_figures_either() -> None:
    """Where no small request is answered beside large ones, that is a failure, not a number."""
    with pytest.raises(ContestantError, match="found 0 answers beside large bodies"):
        large_bodies.figures(([Answered(0, 200, 1)], []), ([Answered(0, LOST, 1)], []))


def test_every_experiment_has_its_row() -> None:
    """Names are unique and ask for a model that exists."""
    names = [each.name for each in EXPERIMENTS]

    assert len(set(names)) == len(names)
    assert {each.model for each in EXPERIMENTS} <= {model.name for model in MODELS}
