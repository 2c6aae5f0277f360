"""The engine's loop with an Envoy that answers as a test tells it."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import cast

from modelctl.local.engine import Engine
from modelctl.local.envoy.config import Snapshot, cluster_name
from modelctl.local.envoy.dataplane import Envoy
from modelctl.local.envoy.view import HostView, View
from modelctl.local.journal import Journal
from modelctl.local.plan.rollout import Rollout
from modelctl.local.plan.values import Lane, ModelPlan
from modelctl.local.source.reading import ModelReading, Reading
from modelctl.local.timing import Timing
from modelctl.repo.git import Commit
from tests.modelctl.local.conftest import plan
from tests.modelctl.local.servers.supervisor.stage import Stage

COMMIT = Commit("0" * 40, "Ann", "2026-01-01T00:00:00+00:00", "apps/m: Shift")
RELEASES = ("r1", "r2")


class CountingEnvoy:
    """Has a healthy endpoint for every release, and counters that only a test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: Counter[str] = Counter(dict.fromkeys(RELEASES, 0))
        self.published: list[Snapshot] = []
        self.meanwhile: Callable[[], None] | None = None

    async def view(self) -> View:
        """Every release ready."""
        names = (cluster_name(f"m-{release}", Lane.WEIGHTED) for release in RELEASES)
        return View({name: {1: HostView(healthy=True, active=0)} for name in names})

    async def publish(self, wanted: Snapshot) -> None:
        """Take any routes, and let happen meanwhile, once, what a test wants to."""
        self.published.append(wanted)
        await asyncio.sleep(0)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()

    async def counters(self) -> bytes:
        """The requests of each release so far."""
        stats = [
            {"name": f"cluster.{_cluster(release)}.upstream_rq_completed", "value": count}
            for release, count in self.requests.items()
        ]
        return json.dumps({"stats": stats}).encode()


def _cluster(release: str) -> str:
    return cluster_name(f"m-{release}", Lane.WEIGHTED)


def _reading(weights: dict[str, int], *, paused: bool = False) -> Reading:
    """A revision with these weights, whose servers are somebody else's."""
    routes = ModelPlan("m", (), plan(weights).rules)
    return Reading(COMMIT, {}, {"m": ModelReading(routes, COMMIT, paused)})


def _engine(envoy: CountingEnvoy, journal: Journal | None = None) -> Engine:
    """An engine that takes no reading of its own accord while a test lasts."""
    supervisor = Stage(envoy.folder / "state").supervisor
    timing = Timing(hurry_s=0.01, sample_s=60)
    return Engine(cast("Envoy", envoy), supervisor, journal or Journal(), timing, asyncio.Event())


async def _until(engine: Engine, holds: Callable[[], bool]) -> None:
    """Wait for steps of the engine until something holds."""
    async with asyncio.timeout(20):
        while not holds():
            engine.stepped.clear()
            await engine.stepped.wait()


def test_a_change_of_weights_begins_a_new_measurement(tmp_path: Path) -> None:
    """What is measured since a change has no request that came before it."""

    async def story() -> dict[str, int]:
        envoy = CountingEnvoy(tmp_path)
        engine = _engine(envoy)
        loop = asyncio.create_task(engine.run())
        engine.offer(_reading({"r1": 100, "r2": 0}))
        await _until(engine, lambda: engine.converged)
        envoy.requests.update(r1=1000)
        engine.offer(_reading({"r1": 50, "r2": 50}))
        await _until(engine, lambda: engine.converged)
        envoy.requests.update(r1=30, r2=40)
        await engine.sample()
        loop.cancel()
        since = engine.window.since(engine.rollouts["m"].live_since_s)
        return {release: since[_cluster(release)].requests for release in RELEASES}

    assert {"r1": 30, "r2": 40} == asyncio.run(story())


def test_a_target_that_comes_meanwhile_is_not_live(tmp_path: Path) -> None:
    """A revision that is offered while Envoy takes another still waits until it is ready."""

    async def story() -> Rollout:
        envoy = CountingEnvoy(tmp_path)
        engine = _engine(envoy)
        envoy.meanwhile = lambda: engine.offer(_reading({"r1": 0, "r3": 100}))
        loop = asyncio.create_task(engine.run())
        engine.offer(_reading({"r1": 100, "r3": 0}))
        await _until(engine, lambda: envoy.meanwhile is None and len(envoy.published) > 1)
        loop.cancel()
        return engine.rollouts["m"]

    rollout = asyncio.run(story())
    assert rollout.live is not None
    assert {"m-r1": 100, "m-r3": 0} == rollout.live.weights()
    assert ("m-r3",) == rollout.waiting


def test_a_model_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    """Of a model that git no longer has and nothing here runs, nothing is left."""
    journal = Journal()

    async def story() -> Engine:
        engine = _engine(CountingEnvoy(tmp_path), journal)
        loop = asyncio.create_task(engine.run())
        engine.offer(_reading({"r1": 100}))
        await _until(engine, lambda: engine.rollouts["m"].live is not None)
        engine.offer(Reading(COMMIT, {}, {}))
        await _until(engine, lambda: not engine.rollouts)
        loop.cancel()
        return engine

    assert {} == asyncio.run(story()).rollouts
    assert () == journal.of("m")


def test_what_is_waited_for_is_told_once(tmp_path: Path) -> None:
    """The journal names a release that new routes wait for, however often the loop looks."""
    journal = Journal()

    async def story() -> None:
        engine = _engine(CountingEnvoy(tmp_path), journal)
        loop = asyncio.create_task(engine.run())
        for _ in range(3):
            engine.offer(_reading({"r3": 100}))
            engine.stepped.clear()
            await engine.stepped.wait()
        loop.cancel()

    asyncio.run(story())
    told = [(event.message, event.count) for event in journal.of("m")]
    assert [("new routes wait until ready: m-r3", 1)] == told


def test_a_pause_holds_a_newer_plan_until_it_ends(tmp_path: Path) -> None:
    """While a model is paused its newer plan is held; from then on it is the target."""
    engine = _engine(CountingEnvoy(tmp_path))
    engine.offer(_reading({"r1": 100}))
    engine.offer(_reading({"r2": 100}, paused=True))
    held = engine.rollouts["m"].held

    engine.offer(_reading({"r2": 100}))

    assert held is not None
    assert held == engine.rollouts["m"].target
    assert engine.rollouts["m"].held is None


def test_a_repository_that_can_be_read_again_is_told(tmp_path: Path) -> None:
    """A fault of the source is told once, and its end too."""
    journal = Journal()
    engine = _engine(CountingEnvoy(tmp_path), journal)

    for fault in ("no such folder", "no such folder", "", ""):
        engine.note_source(fault)

    told = [(event.level, event.message, event.count) for event in journal.of("")]
    assert [
        ("info", "the repository can be read again", 1),
        ("error", "no such folder", 1),
    ] == told
