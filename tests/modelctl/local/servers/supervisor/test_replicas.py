"""Replicas of Deployments as real processes, with a program that fails on demand."""

import json
import os
from pathlib import Path

import pytest

from modelctl.local.plan.endpoints import Host
from modelctl.local.plan.values import Probe
from modelctl.local.servers.httpget import get
from modelctl.local.servers.replica import Phase
from tests.modelctl.local.servers.supervisor.stage import Play, Stage, _first, _pid, order, workload


def test_environment(play: Play) -> None:
    """A server has the pod's environment, except for the places that this machine decides."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload(files="/exported"))
        answer = await get(replica.port, "/", timeout_s=60)
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
        answer = await get(replica.port, "/", timeout_s=60)

        assert "MODELSERVER_THREADS" not in json.loads(answer.body)

    play(story)


def test_endpoints(play: Play) -> None:
    """Each replica is an endpoint of its Service."""

    async def story(stage: Stage) -> None:
        replicas = await stage.ready(workload(replicas=2))
        (endpoints,) = stage.supervisor.endpoints()

        assert "m-r1" == endpoints.service
        assert {Host(r.port, 0, ready=True) for r in replicas} == set(endpoints.hosts)

    play(story)


def test_not_ready_is_an_endpoint_without_requests(play: Play) -> None:
    """A server whose readiness probe fails stays an endpoint, as a pod does, and comes back."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload())
        await order(replica, "/ready/0")
        await stage.until(workload(), holds=lambda: replica.phase is Phase.UNREADY)

        unready = Host(replica.port, 0, ready=False)
        assert (unready,) == stage.supervisor.endpoints()[0].hosts
        assert "not ready: GET /ready: status 503" == replica.reason
        assert replica.failing

        await order(replica, "/ready/1")
        await stage.until(workload(), holds=lambda: replica.phase is Phase.READY)
        assert 0 == replica.restarts

    play(story)


def test_memory(play: Play) -> None:
    """The memory of a Deployment's servers is what its largest one has in use."""

    async def story(stage: Stage) -> None:
        await stage.ready(workload(replicas=2))

        assert 1 << 20 < stage.supervisor.memory_bytes()["m-r1"] < 1 << 30

    play(story)


def test_killed_server_is_restarted(play: Play) -> None:
    """A killed server is started again, on another port, and says how it ended."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload())
        os.kill(_pid(stage), 9)
        await stage.until(workload(), holds=lambda: replica.restarts == 1)
        await stage.until(workload(), holds=lambda: replica.phase is Phase.READY)

        assert any("error m-r1-1 killed by SIGKILL: neither by mod" in e for e in stage.events)
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
        assert [False] == [host.ready for host in stage.supervisor.endpoints()[0].hosts]

    play(story)


def test_server_that_never_starts(play: Play) -> None:
    """A server whose startup probe never passes is ended after the probe's own bound."""

    async def story(stage: Stage) -> None:
        stuck = workload({"never": True}, startup=Probe("/started", 0.1, 60, 5))
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


def test_a_file_that_the_store_gets_later(play: Play, tmp_path: Path) -> None:
    """A server waits for a file of the store, says what brings it, and starts once it is there."""

    async def story(stage: Stage) -> None:
        file = tmp_path / ".modelctl" / "store" / "aa"
        file.parent.mkdir(parents=True)
        waiting = workload(stored=(("store:///aa.onnx", str(file)),))
        await stage.until(
            waiting, holds=lambda: stage.replicas() and _first(stage).phase is Phase.MISSING
        )
        assert "`modelctl pull m` brings it" in _first(stage).reason
        file.touch()

        await stage.ready(waiting)

    play(story)


def test_program_that_cannot_run(play: Play) -> None:
    """A program that cannot be started at all is a reason like any other."""

    async def story(stage: Stage) -> None:
        object.__setattr__(stage.supervisor._around, "command", ("/nowhere/server",))
        await stage.until(
            workload(), holds=lambda: stage.replicas() and _first(stage).phase is Phase.WAITING
        )

        assert "could not be started" in _first(stage).reason

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
