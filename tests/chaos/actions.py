"""What may happen, as a table: planned changes, of which nothing may fail, and faults."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.world import Served, World

_WHOLE = 100


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a walk: how often it comes, whether it can now, and what it does."""

    name: str
    often: int
    can: Callable[[World], bool]
    do: Callable[[World], None]


def _always(_: World) -> bool:
    return True


def _other(world: World) -> str:
    return "r1" if world.served.stable == "r2" else "r2"


def _has_two(world: World) -> bool:
    return len(world.served.weights) > 1


def _is_settled(world: World) -> bool:
    return world.served.having_share() == {world.served.stable}


def _introduce(world: World) -> None:
    stable = world.served.stable
    world.apply(Served({stable: _WHOLE, _other(world): 0}, stable), "Introduce a release")


def _shift(world: World) -> None:
    stable, percent = world.served.stable, world.chance.choice((1, 10, 50, 90, 99))
    weights = {stable: _WHOLE - percent, _other(world): percent}
    world.apply(Served(weights, stable), f"Shift {percent} percent")


def _promote(world: World) -> None:
    stable, other = world.served.stable, _other(world)
    world.apply(Served({stable: 0, other: _WHOLE}, other), "Promote")


def _roll_back(world: World) -> None:
    stable, other = world.served.stable, _other(world)
    world.apply(Served({stable: _WHOLE, other: 0}, stable), "Roll back")


def _retire(world: World) -> None:
    stable = world.served.stable
    world.apply(Served({stable: _WHOLE}, stable), "Retire a release")


def _refused(world: World) -> None:
    world.commit_broken()
    world.revert()
    world.until_well()


def _kill_server(world: World) -> None:
    with world.fault("a server is killed"):
        world.kill(world.a_server())


def _stop_server(world: World) -> None:
    with world.fault("a server stands still"):
        world.stop_for_a_while(world.a_server())


def _kill_envoy(world: World) -> None:
    with world.fault("Envoy is killed"):
        world.kill(world.envoy())


def _stop_envoy(world: World) -> None:
    with world.fault("Envoy stands still"):
        world.stop_for_a_while(world.envoy())


def _full_disk(world: World) -> None:
    """A full disk is no fault for those who ask: a shift and its revert lose nothing."""
    with world.full_disk():
        _shift(world)
        _roll_back(world)


def _kill_engine(world: World) -> None:
    with world.fault("the engine is killed"):
        world.up.process.send_signal(signal.SIGKILL)
        world.up.wait()
        world.start_up()


def _restart(world: World) -> None:
    with world.fault("the engine is restarted in order"):
        world.up.stop()
        world.start_up()


def _replace(world: World) -> None:
    """Another engine takes over from one that runs, and nobody notices."""
    former = world.up
    world.start_up("--replace")
    former.wait()
    world.until_well()


ACTIONS = (
    Action("introduce", 6, lambda world: not _has_two(world), _introduce),
    Action("shift", 6, _has_two, _shift),
    Action("promote", 4, _has_two, _promote),
    Action("roll back", 4, _has_two, _roll_back),
    Action("retire", 3, lambda world: _has_two(world) and _is_settled(world), _retire),
    Action("a refused commit", 2, _always, _refused),
    Action("kill a server", 2, _always, _kill_server),
    Action("stop a server", 1, _always, _stop_server),
    Action("kill Envoy", 1, _always, _kill_envoy),
    Action("stop Envoy", 1, _always, _stop_envoy),
    Action("fill the disk", 2, _has_two, _full_disk),
    Action("kill the engine", 2, _always, _kill_engine),
    Action("restart the engine", 1, _always, _restart),
    Action("replace the engine", 2, _always, _replace),
)
