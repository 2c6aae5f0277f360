"""Deployments that are scaled, changed and removed while they run."""

from modelctl.local.servers.httpget import get
from modelctl.local.servers.replica import Phase
from tests.modelctl.local.servers.supervisor.stage import Play, Stage, workload


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

        assert () == stage.supervisor.endpoints()[0].hosts
        assert (await get(replica.port, "/", timeout_s=60)).ok
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
