"""What fits on a machine beside what runs on it."""

from dataclasses import dataclass, field
from typing import cast

from modelctl.local.limits import Limits
from modelctl.local.plan.rollout import Aim, Rollout, Step
from modelctl.local.room import Room
from modelctl.local.servers.supervisor import Group
from tests.modelctl.local.conftest import plan, workload

OWN_FILES = 256  # of the engine itself
FILES = 4  # a server


def room(servers: int) -> Room:
    """A machine with files for so many servers."""
    return Room(Limits(files=OWN_FILES + servers * FILES))


def rollout(*, live: dict[str, int], target: dict[str, int], setting: str = "a") -> Rollout:
    """A model on its way; nothing is live where there are no weights."""
    done = Step(Aim(plan(live))) if live else Step()
    return Rollout("m", aimed=Aim(plan(target, setting=setting)), done=done)


def groups(**replicas: int) -> dict[str, Group]:
    """So many running servers of each release."""
    return {
        f"m-{release}": cast("Group", Running(workload(release), [object()] * count))
        for release, count in replicas.items()
    }


@dataclass
class Running:
    """A Deployment whose servers run."""

    workload: object
    replicas: list[object] = field(default_factory=list)


def test_what_is_there_needs_no_more_room() -> None:
    """A change that starts nothing goes through on a machine that is full."""
    shifted = {"m": rollout(live={"r1": 100, "r2": 0}, target={"r1": 0, "r2": 100})}

    assert {} == room(0).refused(shifted, groups(r1=1, r2=1))


def test_a_release_that_finds_no_room() -> None:
    """A release is held back while there is no room for it, and goes on once there is."""
    introduced = {"m": rollout(live={"r1": 100}, target={"r1": 100, "r2": 0})}

    assert "files" in room(1).refused(introduced, groups(r1=1))["m"]
    assert {} == room(2).refused(introduced, groups(r1=1))


def test_servers_that_drain_take_room() -> None:
    """What git no longer wants counts as long as it runs."""
    introduced = {"m": rollout(live={"r1": 100}, target={"r1": 100, "r2": 0})}

    assert ["m"] == list(room(2).refused(introduced, groups(r1=1, r9=1)))


def test_a_replacement_runs_beside_what_it_replaces() -> None:
    """A change of template needs room for old and new."""
    changed = {"m": rollout(live={"r1": 100}, target={"r1": 100}, setting="b")}

    assert ["m"] == list(room(1).refused(changed, groups(r1=1)))
    assert {} == room(2).refused(changed, groups(r1=1))


def test_what_served_before_comes_first() -> None:
    """At a start a model that served before has its room, and a new one does not take it."""
    both = {name: rollout(live={}, target={"r1": 100}) for name in ("a", "b")}

    assert ["b"] == list(room(1).refused(both, {}))
    assert ["a"] == list(room(1).refused(both, {}, first={"b"}))


def test_memory_that_is_short() -> None:
    """What servers were seen to use is compared with what there is."""
    live = {"m": rollout(live={"r1": 100}, target={"r1": 100})}
    machine = Room(Limits(memory_bytes=1000))

    assert "" == machine.short_of_memory(live, {"m-r1": 1000})
    assert machine.short_of_memory(live, {"m-r1": 1001}).startswith("memory is short")
