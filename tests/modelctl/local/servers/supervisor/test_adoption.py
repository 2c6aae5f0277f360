"""Servers that outlive their engine, as real processes."""

import os
import signal
import sys
from dataclasses import replace

from modelctl.local.plan.endpoints import Host
from modelctl.local.plan.values import Probe
from modelctl.local.servers import processes
from modelctl.local.servers.replica import Phase
from tests.modelctl.local.servers.supervisor.stage import Play, Stage, _pid, order, workload

MIRROR = (("MODELSERVER_MIRROR_PORT", "8081"),)


def test_servers_are_taken_over(play: Play) -> None:
    """Another engine has the same processes at the same ports, without a restart."""

    async def story(stage: Stage) -> None:
        wanted = workload(replicas=2, more=MIRROR)
        before = {(r.name, r.port, r.mirror_port) for r in await stage.ready(wanted)}
        pids = {found.pid for found in processes.found(stage.folder.root)}
        await stage.another_engine()

        after = {(r.name, r.port, r.mirror_port) for r in await stage.ready(wanted)}
        stage.supervisor.settle()

        assert before == after
        assert pids == {found.pid for found in processes.found(stage.folder.root)}
        assert {0} == {replica.restarts for replica in stage.replicas()}

    play(story)


def test_adopting_until_heard_of(play: Play) -> None:
    """Right after it was taken over a server is not known to be ready, and that is said."""

    async def story(stage: Stage) -> None:
        wanted = workload()
        await stage.ready(wanted)
        await stage.another_engine()
        stage.supervisor.apply({wanted.name: wanted})
        assert stage.supervisor.adopting

        await stage.ready(wanted)
        assert not stage.supervisor.adopting

    play(story)


def test_another_template_is_replaced(play: Play) -> None:
    """A server of another template is taken over, and goes once its successor is ready."""

    async def story(stage: Stage) -> None:
        (before,) = await stage.ready(workload())
        await stage.another_engine()
        new = workload(more=(("MODELSERVER_THREADS", "2"),))
        await stage.until(new, holds=lambda: len(stage.replicas()) == 2)
        assert before.name == stage.replicas()[0].name

        (after,) = await stage.ready(new)
        assert (Phase.READY, "m-r1-2") == (after.phase, after.name)

    play(story)


def test_another_program_is_replaced(play: Play) -> None:
    """A server that another program runs is no longer the same, whatever its settings."""

    async def story(stage: Stage) -> None:
        await stage.ready(workload())
        await stage.another_engine()
        around = stage.supervisor._around
        object.__setattr__(around, "command", (sys.executable, "-B", *around.command[1:]))

        await stage.until(
            workload(), holds=lambda: ["m-r1-2"] == [replica.name for replica in stage.replicas()]
        )

    play(story)


def test_adopted_server_that_dies_is_restarted(play: Play) -> None:
    """The end of a server that was taken over is seen, and another one is started."""

    async def story(stage: Stage) -> None:
        await stage.ready(workload())
        await stage.another_engine()
        (replica,) = await stage.ready(workload())
        os.kill(_pid(stage), signal.SIGKILL)
        await stage.until(workload(), holds=lambda: replica.restarts == 1)
        await stage.ready(workload())

        assert any(
            "exit code that an earlier `modelctl up` alone was told" in e for e in stage.events
        )

    play(story)


def test_left_server_is_drained_and_ended(play: Play) -> None:
    """A server that nobody wants is drained and ended, once everything wanted is known."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload())
        await stage.another_engine()
        stage.supervisor.apply({})
        assert 1 == len(processes.found(stage.folder.root))

        stage.supervisor.settle()
        await stage.supervisor.stop()

        assert [] == processes.found(stage.folder.root)
        assert [replica.port] == stage.drained
        assert any("m-r1-1" in e and "which an earlier run left" in e for e in stage.events)

    play(story)


def test_stop_before_anything_is_known(play: Play) -> None:
    """An engine that is told to end before it knows what is wanted ends what was left too."""

    async def story(stage: Stage) -> None:
        await stage.ready(workload())
        await stage.another_engine()
        await stage.supervisor.stop()

        assert [] == processes.found(stage.folder.root)

    play(story)


def test_mirror_port(play: Play) -> None:
    """Where the template has a port for copies the server gets one of its own, as Envoy does."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload(more=MIRROR))
        (host,) = stage.supervisor.endpoints()[0].hosts

        assert Host(replica.port, replica.mirror_port, ready=True) == host
        assert len({0, host.port, host.mirror_port}) == 3
        (found,) = processes.found(stage.folder.root)
        assert str(host.mirror_port) == found.environment["MODELSERVER_MIRROR_PORT"]

    play(story)


def test_server_that_hangs(play: Play) -> None:
    """A server that is stopped becomes unready, and is then killed and started again."""

    async def story(stage: Stage) -> None:
        base = workload()
        quick = Probe("/ready", 0.05, 0.2, 2)
        template = replace(base.template, readiness=quick, liveness=Probe("/live", 0.1, 0.2, 3))
        wanted = replace(base, template=template)
        (replica,) = await stage.ready(wanted)
        os.kill(_pid(stage), signal.SIGSTOP)

        await stage.until(wanted, holds=lambda: replica.phase is Phase.UNREADY)
        assert [False] == [host.ready for host in stage.supervisor.endpoints()[0].hosts]
        await stage.until(wanted, holds=lambda: replica.restarts == 1)
        await stage.ready(wanted)
        assert any("not alive: GET /live: no answer within 0.2 s" in e for e in stage.events)

    play(story)


def test_unready_server_that_was_adopted(play: Play) -> None:
    """A server that was unready when it was taken over is not ready for the new engine either."""

    async def story(stage: Stage) -> None:
        (replica,) = await stage.ready(workload())
        await order(replica, "/ready/0")
        await stage.another_engine()
        await stage.until(
            workload(),
            holds=lambda: stage.replicas() and stage.replicas()[0].phase is Phase.UNREADY,
        )

        assert [False] == [host.ready for host in stage.supervisor.endpoints()[0].hosts]

    play(story)
