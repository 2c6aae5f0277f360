"""The engine's loop with an Envoy that answers as a test tells it."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from modelctl.local.engine import Engine
from modelctl.local.envoy.dataplane import Envoy
from modelctl.local.envoy.resources import Standing
from modelctl.local.envoy.snapshot import Snapshot
from modelctl.local.good import GoodStates
from modelctl.local.journal import Journal
from modelctl.local.limits import Limits
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.rollout import Rollout
from modelctl.local.plan.values import ModelPlan
from modelctl.local.room import Room
from modelctl.local.servers.supervisor import Supervisor
from modelctl.local.source.reading import ModelReading, Reading
from modelctl.local.timing import Timing
from modelctl.repo.git import Commit
from tests.modelctl.local.conftest import plan

COMMIT = Commit("0" * 40, "Ann", "2026-01-01T00:00:00+00:00", "apps/m: Shift")
RELEASES = ("r1", "r2")


class CountingEnvoy:
    """Takes what it is given unless a test says otherwise; only a test moves its counters."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 8080
        self.ports: frozenset[int] = frozenset()
        self.adopted = False
        self.silent = False
        self.requests: Counter[str] = Counter()
        self.published: list[Snapshot] = []
        self.meanwhile: Callable[[], None] | None = None
        self.says: Callable[[str], Standing] = lambda _: Standing.TAKEN

    async def bring(self, to: Snapshot, *, limit_s: float) -> Standing:
        """Take any routes, and let happen meanwhile, once, what a test wants to."""
        assert limit_s > 0
        self.published.append(to)
        await asyncio.sleep(0)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return self.says(json.dumps(to.clusters))

    def last_words(self) -> str:
        """What a test may look for."""
        return "no, because"

    async def counters(self) -> bytes:
        """The requests of each zone so far."""
        stats = [
            {"name": f"cluster.c.zone.here.{zone}.upstream_rq_completed", "value": requests}
            for zone, requests in self.requests.items()
        ]
        return json.dumps({"stats": stats}).encode()


class Servers:
    """A supervisor whose servers a test makes ready."""

    def __init__(self) -> None:
        self.ready = {f"m-{release}" for release in RELEASES}
        self.groups: dict[str, object] = {}

    def apply(self, _: object, *, urgent: object = ()) -> None:
        """Start nothing."""

    def memory_bytes(self) -> dict[str, int]:
        """Each server uses more than any machine has."""
        return dict.fromkeys(self.ready, 1 << 50)

    def settle(self) -> None:
        """End nothing: no earlier engine left anything."""

    def endpoints(self) -> list[Endpoints]:
        """One endpoint for each Service that is ready."""
        return [Endpoints(name, (Host(1, 1, ready=True),)) for name in sorted(self.ready)]


def _reading(*weights: dict[str, int], paused: bool = False) -> Reading:
    """A revision with these weights for the models `m`, `m1`, and so on."""
    models = {
        f"m{number or ''}": ModelReading(
            ModelPlan(f"m{number or ''}", (), plan(each).gateway), COMMIT, paused
        )
        for number, each in enumerate(weights)
    }
    return Reading(COMMIT, {}, models)


def _engine(
    envoy: CountingEnvoy,
    journal: Journal | None = None,
    servers: Servers | None = None,
    room: Room | None = None,
) -> Engine:
    """An engine that takes no reading of its own accord while a test lasts."""
    timing = Timing(hurry_s=0.01, sample_s=60, idle_s=60)
    supervisor = cast("Supervisor", servers or Servers())
    wake = asyncio.Event()
    return Engine(cast("Envoy", envoy), supervisor, journal or Journal(), timing, wake, room=room)


async def _until(engine: Engine, holds: Callable[[], bool]) -> None:
    """Wait for steps of the engine until something holds."""
    async with asyncio.timeout(20):
        while not holds():
            engine.stepped.clear()
            await engine.stepped.wait()


def test_a_change_of_weights_is_another_split(tmp_path: Path) -> None:
    """What is measured under a split has no request that came before it."""

    async def story() -> dict[str, int]:
        envoy = CountingEnvoy(tmp_path)
        engine = _engine(envoy)
        loop = asyncio.create_task(engine.run())
        await engine.sample()
        splits = []
        for weights in ({"r1": 100, "r2": 0}, {"r1": 50, "r2": 50}):
            engine.offer(_reading(weights))
            await _until(engine, lambda: engine.converged)
            splits.append(engine.rollouts["m"].done.aim.split)
        envoy.requests.update({f"m-r1~weighted~{splits[0]}": 1000})
        envoy.requests.update({f"m-{r}~weighted~{splits[1]}": 30 for r in RELEASES})
        await engine.sample()
        loop.cancel()
        found = engine.window.of_split(splits[1])
        return {release: found[f"m-{release}~weighted"].requests for release in RELEASES}

    assert {"r1": 30, "r2": 30} == asyncio.run(story())


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
    assert [("new routes wait for: m-r3", 1)] == told


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


def test_envoy_refuses_one_of_many(tmp_path: Path) -> None:
    """Of several changed models the one that Envoy refuses keeps what it has, and says why."""
    journal = Journal()
    before, after = {"r1": 100}, {"r1": 50, "r2": 50}

    async def story() -> Engine:
        envoy = CountingEnvoy(tmp_path)
        engine = _engine(envoy, journal)
        loop = asyncio.create_task(engine.run())
        engine.offer(_reading(before, before, before))
        await _until(engine, lambda: engine.converged)
        bad = _reading(after, after, after)
        plan_of_bad = ModelPlan("m1", (), plan({"r2": 100}).gateway)
        bad = Reading(COMMIT, {}, {**bad.models, "m1": ModelReading(plan_of_bad, COMMIT, False)})  # noqa: FBT003
        envoy.says = lambda given: Standing.REFUSED if _only_r2(given) else Standing.TAKEN
        engine.offer(bad)
        await _until(engine, lambda: bool(engine.rollouts["m1"].refused))
        await _until(engine, lambda: [n for n, r in engine.rollouts.items() if r.pending] == ["m1"])
        assert "Envoy refused its routes: no, because" == journal.of("m1")[0].message
        assert "" == engine.fault

        engine.offer(_reading(after, after, after))
        await _until(engine, lambda: engine.converged)
        loop.cancel()
        return engine

    def _only_r2(given: str) -> bool:
        clusters = [c for c in json.loads(given) if c["name"].endswith("rule/shared")]
        return any(
            len(c["load_assignment"]["endpoints"]) == 1
            and "r2" in c["load_assignment"]["endpoints"][0]["locality"]["zone"]
            for c in clusters
        )

    assert not asyncio.run(story()).rollouts["m1"].refused


def test_silence_blocks_nothing(tmp_path: Path) -> None:
    """While Envoy says nothing that is a fault, and the newest revision is what it gets next."""
    weights = [{"r1": 100}, {"r1": 90, "r2": 10}, {"r1": 80, "r2": 20}]

    async def story() -> Rollout:
        envoy = CountingEnvoy(tmp_path)
        engine = _engine(envoy)
        loop = asyncio.create_task(engine.run())
        engine.offer(_reading(weights[0]))
        await _until(engine, lambda: engine.converged)
        envoy.says, envoy.silent = lambda _: Standing.UNKNOWN, True
        for each in weights[1:]:
            engine.offer(_reading(each))
            await _until(engine, lambda: engine.fault == "Envoy does not answer")
        envoy.says, envoy.silent = lambda _: Standing.TAKEN, False
        await _until(engine, lambda: engine.converged and not engine.fault)
        loop.cancel()
        return engine.rollouts["m"]

    live = asyncio.run(story()).live
    assert live is not None
    assert {"m-r1": 80, "m-r2": 20} == live.weights()


def test_good_is_noted_before_it_is_served(tmp_path: Path) -> None:
    """What is about to be served is written down first, and a fault of that stops nothing."""
    noted: list[tuple[dict[str, str | None], int]] = []

    async def story() -> Engine:
        envoy = CountingEnvoy(tmp_path)
        engine = _engine(envoy)

        class Good(GoodStates):
            def remember(self, served: Mapping[str, str | None]) -> str:
                super().remember(served)
                noted.append((dict(served), len(envoy.published)))
                return "the disk is full"

        engine._good = Good(tmp_path / "good.json", "repo", "local")
        engine.offer(_reading({"r1": 100}))
        loop = asyncio.create_task(engine.run())
        await _until(engine, lambda: engine.converged)
        engine.offer(Reading(COMMIT, {}, {}))
        await _until(engine, lambda: not engine.rollouts)
        await _until(engine, lambda: noted[-1][0] == {"m": None})
        loop.cancel()
        return engine

    assert "the disk is full" == asyncio.run(story()).good_fault
    assert ({"m": COMMIT.id}, 0) == noted[0]


def test_what_was_good_serves_until_the_target_can(tmp_path: Path) -> None:
    """At a start the last good state of a model serves while the newest one is not ready."""

    async def story() -> tuple[ModelPlan | None, ModelPlan | None]:
        engine = _engine(CountingEnvoy(tmp_path), servers=(servers := Servers()))
        newest = _reading({"r3": 100})
        good = _reading({"r1": 100}).models
        loop = asyncio.create_task(engine.run())
        engine.offer(Reading(COMMIT, {}, newest.models, fallbacks=good))
        await _until(engine, lambda: engine.rollouts["m"].live is not None)
        first = engine.rollouts["m"].live
        servers.ready.add("m-r3")
        engine.offer(newest)
        await _until(engine, lambda: engine.converged)
        loop.cancel()
        return first, engine.rollouts["m"].live

    first, then = asyncio.run(story())
    assert first is not None
    assert then is not None
    assert [{"m-r1": 100}, {"m-r3": 100}] == [first.weights(), then.weights()]


def test_a_model_without_room_is_refused(tmp_path: Path) -> None:
    """What does not fit is told with the limit and not started; what fits again goes on."""
    journal = Journal()

    async def story() -> Engine:
        full = Room(Limits(files=256 + 4))
        engine = _engine(CountingEnvoy(tmp_path), journal, room=full)
        loop = asyncio.create_task(engine.run())
        engine.offer(Reading(COMMIT, {}, _with_servers({"r1": 100, "r2": 0})))
        await _until(engine, lambda: bool(engine.rollouts["m"].no_room))
        assert {} == engine.rollouts["m"].workloads()
        engine.offer(Reading(COMMIT, {}, _with_servers({"r1": 100})))
        await _until(engine, lambda: engine.converged)
        loop.cancel()
        return engine

    engine = asyncio.run(story())
    assert "" == engine.rollouts["m"].no_room
    told = [event.message for event in journal.of("m") if event.level == "error"]
    assert ["refused: 2 servers do not fit on this machine: found 260 open files"] == [
        words.partition(" (")[0] for words in told
    ]


def test_memory_is_warned_of_once(tmp_path: Path) -> None:
    """Memory that is short is a warning, told when that begins, and refuses nothing."""
    journal = Journal()
    engine = _engine(CountingEnvoy(tmp_path), journal, room=Room(Limits(memory_bytes=1 << 30)))
    engine.offer(Reading(COMMIT, {}, _with_servers({"r1": 100})))

    engine.note_memory()
    engine.note_memory()

    (event,) = [event for event in journal.of("") if event.level == "warning"]
    assert ("memory is short", 1) == (event.message.partition(":")[0], event.count)
    assert "" == engine.rollouts["m"].no_room


def _with_servers(weights: dict[str, int]) -> dict[str, ModelReading]:
    """A model with the servers that it takes."""
    return {"m": ModelReading(plan(weights), COMMIT, paused=False)}


def test_an_adopted_envoy_keeps_its_routes_until_more_is_known(tmp_path: Path) -> None:
    """An Envoy that was taken over gets nothing until git is read and its servers have answered."""

    async def story() -> list[int]:
        envoy, servers = CountingEnvoy(tmp_path), Servers()
        envoy.adopted, servers.adopting = True, True
        engine = _engine(envoy, servers=servers)
        loop = asyncio.create_task(engine.run())
        await _until(engine, lambda: True)
        published = [len(envoy.published)]
        engine.offer(_reading({"r1": 100}))
        await _until(engine, lambda: engine.targets.accepted is not None)
        published.append(len(envoy.published))
        servers.adopting = False
        await _until(engine, lambda: engine.converged)
        loop.cancel()
        return [*published, len(envoy.published)]

    assert [0, 0] == asyncio.run(story())[:2]


def test_same_inputs_make_no_new_resources(tmp_path: Path) -> None:
    """However often the loop looks, the resources are made anew only when something changed."""

    async def story() -> list[Snapshot]:
        envoy = CountingEnvoy(tmp_path)
        engine = _engine(envoy)
        loop = asyncio.create_task(engine.run())
        for _ in range(3):
            engine.offer(_reading({"r1": 100}))
            await _until(engine, lambda: engine.converged)
        loop.cancel()
        return envoy.published

    first, *others = asyncio.run(story())[-2:]
    assert all(other is first for other in others)
