"""The status pages of 60 made-up models, served for a browser."""

import asyncio
import json
import math
import random
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from modelctl.local.observe.history import BUCKETS, Series
from modelctl.local.observe.live import Live
from modelctl.local.observe.logtail import Line
from modelctl.local.observe.pages import Sources
from modelctl.local.observe.web import application, serve
from modelctl.repo.git import Commit
from modelctl.status.values import (
    EngineStatus,
    Health,
    Measured,
    ModelStatus,
    ReleaseStatus,
    ShadowStatus,
    Sync,
)
from status_kit import ADDRESSES, COMMIT, EVENT, NOTHING, degraded, engine, model, release

NAMES = ("churn", "digits", "fraud", "prices", "ranking", "speech", "vision", "weather")
SHADOW = release("r2", role="shadow", weight=None, live_weight=None)
REASON = (
    "exit code 86: ArtifactDigestMismatch: the file has sha256 1f0c…, expected 5be2…: release it"
)


@dataclass
class Fleet:
    """Models to show, which a test may change while a browser looks."""

    status: EngineStatus
    commits: tuple[Commit, ...] = (COMMIT,)
    log: Sequence[Line] = ()
    hour: Mapping[str, Series] = field(default_factory=dict)
    live: Live | None = None  # once the pages are served

    def sources(self) -> Sources:
        """Where the pages get what they show."""
        return Sources(
            status=lambda: self.status,
            commits=self._commits,
            hour=lambda _: self.hour,
            log=self._log,
        )

    def put(self, changed: ModelStatus) -> None:
        """Show another state of a model."""
        models = (changed if m.model == changed.model else m for m in self.status.models)
        self.status = replace(self.status, models=tuple(models))

    def _log(self, _: str, count: int) -> Sequence[Line]:
        return self.log[-count:]

    async def _commits(self, _: str) -> tuple[Commit, ...]:
        await asyncio.sleep(0)
        return self.commits


def fleet(count: int = 60) -> Fleet:
    """So many models: most are well, some are broken, late, paused, missing or err."""
    chance = random.Random(7)  # noqa: S311 - made-up numbers
    models = [_model(number, chance) for number in range(count)]
    addresses = replace(ADDRESSES, commits="https://git.example.com/team/models/commit/")
    whole = engine(*sorted(models, key=lambda m: m.model), addresses=addresses, events=(EVENT,))
    hour = {"r1": _series(chance, 900.0, 3.0), "r2": _series(chance, 100.0, 5.0)}
    lines = [_line(number) for number in range(60)]
    return Fleet(whole, tuple(replace(COMMIT, id=f"{n:040x}") for n in range(12)), lines, hour)


def _model(number: int, chance: random.Random) -> ModelStatus:
    name, pair = f"{NAMES[number % len(NAMES)]}-{number:02}", _canary(chance)
    out_of_sync: dict[str, Any] = {"sync": Sync.OUT_OF_SYNC, "releases": pair}
    special: dict[int, ModelStatus] = {
        23: degraded(name, REASON),
        41: degraded(name, REASON),
        37: model(
            name, **out_of_sync, sync_reason="new routes wait for r2 (Starting)",
            health=Health.PROGRESSING, health_reason="ready so far: r2 0/1",
        ),
        11: model(name, **out_of_sync, sync_reason=f"{'b' * 12} is refused: weights-sum-100"),
        52: model(name, health=Health.MISSING, health_reason="nothing of it runs", releases=()),
        30: model(name, releases=(release(measured=_measured(chance, 1.0, errors=0.31)),)),
        17: model(name, paused=True, releases=pair),
        44: model(name, releases=(_alone(chance), SHADOW), shadow=ShadowStatus("r2", 10.0)),
    }  # fmt: skip
    plain = model(name, releases=(_alone(chance),) if number % 4 else pair)
    return special.get(number, plain)


def _alone(chance: random.Random) -> ReleaseStatus:
    return release(measured=_measured(chance, 1.0) if chance.random() < 0.8 else NOTHING)


def _canary(chance: random.Random) -> tuple[ReleaseStatus, ...]:
    share = 0.9 + chance.uniform(-0.01, 0.01)
    return (
        release(weight=90.0, live_weight=90.0, measured=_measured(chance, share)),
        release(
            "r2", role="canary", weight=10.0, live_weight=10.0, restarts=chance.choice([0, 0, 2]),
            measured=_measured(chance, 1 - share),
        ),
    )  # fmt: skip


def _measured(chance: random.Random, share: float | None, errors: float = 0.0) -> Measured:
    requests = int(chance.expovariate(1 / 20000))
    return Measured(
        requests=requests, weighted=requests, direct=0, shadow=0,
        requests_per_s=round(requests / 60, 2), share=share, error_rate=errors,
        client_error_rate=chance.choice([0.0, 0.0, 0.0, 0.004, 1.0]),
        latency_p50_ms=chance.uniform(0.5, 5), latency_p99_ms=chance.uniform(5, 180),
    )  # fmt: skip


def _series(chance: random.Random, rate: float, latency_ms: float) -> Series:
    rates = [rate * (1 + 0.4 * math.sin(n / 25)) * chance.uniform(0.9, 1.1) for n in range(BUCKETS)]
    shown = tuple(None if n < 60 else value for n, value in enumerate(rates))
    p50 = tuple(None if r is None else latency_ms * chance.uniform(0.9, 1.2) for r in shown)
    return Series(
        requests=shown,
        errors=tuple(
            None if r is None else r * (0.02 if 150 < n < 165 else 0) for n, r in enumerate(shown)
        ),
        client_errors=tuple(None if r is None else r * 0.004 * chance.random() for r in shown),
        p50_ms=p50,
        p99_ms=tuple(None if v is None else v * chance.uniform(2, 4) for v in p50),
    )


def _line(number: int) -> Line:
    fields = {
        "time": f"2026-01-01T10:00:{number % 60:02}.120Z", "level": "info", "event": "request",
        "model": "m", "release": "r1", "code": 200, "duration_s": 0.0012 + number / 1e5,
        "request_id": f"{number:08x}",
    }  # fmt: skip
    if number == 57:
        fields |= {"level": "error", "event": "failed", "error": REASON}
    return Line(str(fields["time"]), "m-r1-1", json.dumps(fields))


@contextmanager
def served(shown: Fleet) -> Iterator[str]:
    """The address of the pages, which end with the block."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        loop = asyncio.new_event_loop()
        app = application(shown.sources())
        shown.live = app.state.live
        task = loop.create_task(serve(app, listening))
        thread = threading.Thread(target=_run, args=(loop, task))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join()


def _run(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    try:
        loop.run_until_complete(asyncio.wait({task}))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
