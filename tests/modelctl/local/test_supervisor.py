"""Replicas of Deployments as real processes, with a program that fails on demand."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelctl.local.children import Launcher
from modelctl.local.envoy_config import Health, Host
from modelctl.local.httpget import get
from modelctl.local.plan import PodTemplate, Probe, Workload
from modelctl.local.replica import Phase, Replica, Surroundings
from modelctl.local.state import StateFolder, read_json
from modelctl.local.supervisor import Supervisor
from modelctl.local.timing import Timing

STAND_IN = Path(__file__).parent / "stand_in.py"
TIMING = Timing(starting_s=0.02, restart_s=0.02, retry_s=0.05, stable_s=60)


class Stage:
    """A supervisor over a state folder, with what it reported."""

    def __init__(self, root: Path) -> None:
        self.folder = StateFolder(root)
        self.folder.create()
        self.events: list[str] = []
        self.drained: list[int] = []
        self.in_flight = asyncio.Event()
        self.in_flight.set()
        self.supervisor = Supervisor(
            Surroundings(
                folder=self.folder,
                launcher=Launcher(self.folder, self.events.append),
                command=(sys.executable, str(STAND_IN)),
                timing=TIMING,
                drained=self._drain,
                changed=lambda: None,
                report=lambda _, level, words: self.events.append(f"{level} {words}"),
            )
        )

    async def _drain(self, port: int) -> None:
        self.drained.append(port)
        await self.in_flight.wait()

    def replicas(self, name: str = "m-r1") -> list[Replica]:
        """The replicas of a Deployment."""
        group = self.supervisor.groups.get(name)
        return list(group.replicas) if group else []

    def healthy(self) -> set[int]:
        """The ports that Envoy would take for healthy: every ready one."""
        groups = self.supervisor.groups.values()
        return {r.port for g in groups for r in g.replicas if r.phase is Phase.READY}

    async def until(self, *wanted: Workload, holds: Callable[[], object]) -> None:
        """Apply what is wanted again and again until something holds."""
        async with asyncio.timeout(20):
            while not holds():
                self.supervisor.apply({w.name: w for w in wanted}, self.healthy())
                await asyncio.sleep(0.01)

    async def ready(self, wanted: Workload) -> list[Replica]:
        """The replicas of a workload, once all of them are ready."""
        await self.until(
            wanted,
            holds=lambda: (
                len(self.replicas()) == wanted.replicas
                and all(r.phase is Phase.READY for r in self.replicas())
            ),
        )
        return self.replicas()


Story = Callable[[Stage], Awaitable[None]]
Play = Callable[[Story], None]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run an asynchronous story on a stage, and end every process after it."""

    async def whole(story: Story) -> None:
        stage = Stage(tmp_path / "state")
        try:
            await story(stage)
        finally:
            stage.in_flight.set()
            await stage.supervisor.stop()
            assert read_json(stage.folder.processes) in ([], None)

    return lambda story: asyncio.run(whole(story))


def workload(orders: dict[str, Any] | None = None, **changes: Any) -> Workload:  # noqa: ANN401
    """A Deployment of the program, with probes that are quick."""
    environment = (
        ("MODELSERVER_MODEL", "m"),
        ("MODELSERVER_RELEASE", "r1"),
        ("MODELSERVER_PORT", "8080"),
        ("STAND_IN", json.dumps(orders or {})),
    )
    template = PodTemplate(
        environment,
        startup=Probe("/started", 0.1, 1, 5),
        readiness=Probe("/ready", 0.05, 1, 2),
        liveness=Probe("/live", 0.05, 1, 2),
        grace_s=0.3,
    )
    settings = {key: changes.pop(key) for key in list(changes) if key in {"files", "missing"}}
    return Workload(
        "m-r1", "m", "r1", changes.get("replicas", 1), replace(template, **settings), ("m-r1",)
    )


async def order(replica: Replica, path: str) -> None:
    """POST to a replica."""
    reader, writer = await asyncio.open_connection("127.0.0.1", replica.port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    await reader.read(-1)
    writer.close()


def test_environment(play: Play) -> None:
    """A server has the pod's environment, except for the places that this machine decides."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload(files="/exported"))
        answer = await get(replica.port, "/", timeout_s=5)
        environment = json.loads(answer.body)

        assert "m" == environment["MODELSERVER_MODEL"]
        assert ("127.0.0.1", str(replica.port)) == (
            environment["MODELSERVER_HOST"],
            environment["MODELSERVER_PORT"],
        )
        assert str(stage.folder.cache) == environment["MODELSERVER_CACHE_DIR"]
        assert "/exported" == environment["MODELSERVER_ARTIFACT_ROOT"]

    play(story)


def test_users_settings_do_not_leak(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting of the model server in the user's own environment does not reach it."""
    monkeypatch.setenv("MODELSERVER_THREADS", "99")

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload())
        answer = await get(replica.port, "/", timeout_s=5)

        assert "MODELSERVER_THREADS" not in json.loads(answer.body)

    play(story)


def test_endpoints(play: Play) -> None:
    """Each ready replica is an endpoint of its Service, with the readiness probe as check."""

    async def story(stage: Stage) -> None:
        replicas = await stage.ready(workload(replicas=2))
        (endpoints,) = stage.supervisor.endpoints()

        assert "m-r1" == endpoints.service
        assert Health("/ready", 1) == endpoints.health
        assert {Host(r.port) for r in replicas} == set(endpoints.hosts)

    play(story)


def test_not_ready_is_no_endpoint(play: Play) -> None:
    """A server whose readiness probe fails leaves the endpoints, and comes back later."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload())
        await order(replica, "/ready/0")
        await stage.until(workload(), holds=lambda: replica.phase is Phase.UNREADY)

        assert () == stage.supervisor.endpoints()[0].hosts
        assert "not ready: GET /ready: status 503" == replica.reason
        assert replica.failing

        await order(replica, "/ready/1")
        await stage.until(workload(), holds=lambda: replica.phase is Phase.READY)
        assert 0 == replica.restarts

    play(story)


def test_killed_server_is_restarted(play: Play) -> None:
    """A killed server is started again, on another port, and says how it ended."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload())
        os.kill(_pid(stage), 9)
        await stage.until(workload(), holds=lambda: replica.restarts == 1)
        await stage.until(workload(), holds=lambda: replica.phase is Phase.READY)

        assert "error m-r1-1 killed by SIGKILL" in stage.events
        assert not replica.failing

    play(story)


def test_crash_loop(play: Play) -> None:
    """A server that ends at once is tried again, more and more slowly, with its last words."""

    async def story(stage: Stage) -> None:
        broken = workload({"exit": [86, '{"level": "error", "error": "digest differs"}']})
        await stage.until(broken, holds=lambda: stage.replicas() and _first(stage).restarts >= 2)
        await stage.until(broken, holds=lambda: _first(stage).phase is Phase.WAITING)

        assert "exit code 86: digest differs" == _first(stage).reason
        assert _first(stage).failing
        assert () == stage.supervisor.endpoints()[0].hosts

    play(story)


def test_server_that_never_starts(play: Play) -> None:
    """A server whose startup probe never passes is ended after the probe's own bound."""

    async def story(stage: Stage) -> None:
        stuck = workload({"never": True})
        await stage.until(stuck, holds=lambda: stage.replicas() and _first(stage).restarts >= 1)

        assert any("not started within 0.5 s" in event for event in stage.events)

    play(story)


def test_server_that_is_not_alive(play: Play) -> None:
    """A server whose liveness probe fails is ended, by force if it must be, and restarted."""

    async def story(stage: Stage) -> None:
        deaf = workload({"deaf": True})
        (replica,) = await stage.ready(deaf)
        await order(replica, "/live/0")
        await stage.until(deaf, holds=lambda: replica.restarts == 1)

        assert any("not alive: GET /live: status 503" in event for event in stage.events)

    play(story)


def test_missing_file(play: Play) -> None:
    """A server whose artifact is not in the revision is not even started."""

    async def story(stage: Stage) -> None:
        incomplete = workload(missing=("a.onnx",))
        await stage.until(
            incomplete, holds=lambda: stage.replicas() and _first(stage).phase is Phase.MISSING
        )

        assert "not in the commit: a.onnx" == _first(stage).reason
        assert not list(stage.folder.logs.iterdir())

    play(story)


def test_program_that_cannot_run(play: Play) -> None:
    """A program that cannot be started at all is a reason like any other."""

    async def story(stage: Stage) -> None:
        stage.folder.logs.rmdir()
        await stage.until(
            workload(), holds=lambda: stage.replicas() and _first(stage).phase is Phase.WAITING
        )

        assert "could not be started" in _first(stage).reason

    play(story)


def test_scale(play: Play) -> None:
    """More replicas are started and fewer are ended, without touching the others."""

    async def story(stage: Stage) -> None:
        (first,) = await stage.ready(workload())
        replicas = await stage.ready(workload(replicas=3))
        assert first is replicas[0]

        await stage.ready(workload(replicas=1))
        assert [first] == stage.replicas()

    play(story)


def test_removed_deployment_drains_first(play: Play) -> None:
    """A server that is no longer wanted keeps running while requests are in flight to it."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload())
        stage.in_flight.clear()
        await stage.until(holds=lambda: replica.phase is Phase.DRAINING)

        assert [Host(replica.port, draining=True)] == list(stage.supervisor.endpoints()[0].hosts)
        assert (await get(replica.port, "/", timeout_s=5)).ok
        assert [replica.port] == stage.drained

        stage.in_flight.set()
        await stage.until(holds=lambda: not stage.supervisor.groups)

    play(story)


def test_changed_template_is_a_rolling_replacement(play: Play) -> None:
    """Replicas of an older template go only when as many new ones have taken over."""

    async def story(stage: Stage) -> None:
        old, new = workload(replicas=2), workload({"x": 1}, replicas=2)
        before = await stage.ready(old)
        fewest = 2

        def replaced() -> bool:
            nonlocal fewest
            fewest = min(fewest, sum(r.phase is Phase.READY for r in stage.replicas()))
            return all(r not in stage.replicas() for r in before)

        await stage.until(new, holds=replaced)

        assert 2 == fewest
        assert [new.template] * 2 == [r.template for r in stage.replicas()]

    play(story)


def test_broken_template_leaves_the_old_one(play: Play) -> None:
    """When the new template cannot start, the old replicas go on, and a way back ends the new."""

    async def story(stage: Stage) -> None:
        old, broken = workload(), workload({"exit": [1, "no"]})
        (before,) = await stage.ready(old)
        await stage.until(broken, holds=lambda: any(r.failing for r in stage.replicas()))
        assert Phase.READY is before.phase

        await stage.until(old, holds=lambda: [before] == stage.replicas())

    play(story)


def test_names_are_reused(play: Play) -> None:
    """A replica takes the lowest free number, so that log files do not grow in number."""

    async def story(stage: Stage) -> None:
        await stage.ready(workload(replicas=2))
        stage.replicas()[0].end()
        await stage.until(workload(replicas=2), holds=lambda: len(stage.replicas()) == 3)
        await stage.ready(workload(replicas=2))

        assert {"m-r1-2", "m-r1-3"} == {r.name for r in stage.replicas()}

    play(story)


def test_fault_in_a_replica_itself(play: Play) -> None:
    """A replica whose own code fails is reported and replaced."""

    async def story(stage: Stage) -> None:
        async def bug(_: int) -> None:
            raise ZeroDivisionError

        (replica,) = await stage.ready(workload())
        object.__setattr__(stage.supervisor._around, "drained", bug)
        replica.end()
        await stage.until(workload(), holds=lambda: replica not in stage.replicas())

        assert any("internal fault: ZeroDivisionError" in event for event in stage.events)

    play(story)


def _first(stage: Stage) -> Replica:
    return stage.replicas()[0]


def _pid(stage: Stage) -> int:
    records = read_json(stage.folder.processes)
    assert isinstance(records, list)
    return int(records[0]["pid"])
