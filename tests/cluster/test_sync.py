"""What Argo CD's sync makes of the commits of `modelctl`, on a real API server.

At no moment a live route names a Service that is not there, and no commit waits for the health of
anything: both are looked at after every single call.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import world
from tests.cluster.api import Api, Key
from tests.cluster.world import ENVIRONMENT, MODEL, World

Words = tuple[str, ...]

TO = (MODEL, "--env", ENVIRONMENT)
INTRODUCE: Words = ("shift", *TO, "r2=0")
SHIFT: Words = ("shift", *TO, "r2=10")
PROMOTE: Words = ("promote", *TO, "--release", "r2")
RETIRE: Words = ("retire", *TO, "--release", "r1")
ROLL_BACK: Words = ("rollback", *TO)
# Each operation, after those that lead to it.
OPERATIONS: dict[str, tuple[Words, ...]] = {
    "introduce": (INTRODUCE,),
    "shift": (INTRODUCE, SHIFT),
    "promote": (INTRODUCE, SHIFT, PROMOTE),
    "retire": (INTRODUCE, SHIFT, PROMOTE, RETIRE),
    "rollback": (INTRODUCE, SHIFT, PROMOTE, ROLL_BACK),
    "rollback after retire": (INTRODUCE, SHIFT, PROMOTE, RETIRE, ROLL_BACK),
}


@pytest.fixture
def begun(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A cluster that has followed the first commit: r1 serves."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "1700000000 +0000")
    followed = World(api, world.make(tmp_path))
    try:
        assert followed.push().done
        yield followed
    finally:
        followed.close()


@pytest.mark.parametrize("pods", ["ready", "crashing"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_its_revert_and_that_one_reverted(
    begun: World, operation: str, pods: str
) -> None:
    """Each is applied in one sync, whether the pods of the new release come up or not."""
    begun.sick = frozenset({f"{MODEL}-r2"} if pods == "crashing" else ())
    *before, last = OPERATIONS[operation]
    for words in before:
        begun.must(*words)
        assert begun.push().done
    begun.must(*last)
    syncs = [begun.push()]
    for _ in range(2):
        begun.revert()
        syncs.append(begun.push())

    assert [] == [each for each in syncs if not each.done]
    assert [] == begun.faults
    assert begun.is_synced()


@pytest.mark.parametrize("count", [2, 3])
def test_commits_pushed_together_and_their_revert(begun: World, count: int) -> None:
    """Several commits become one sync, and so does the revert of all of them."""
    for words in (INTRODUCE, SHIFT, PROMOTE)[:count]:
        begun.must(*words)
    forth = begun.push()
    begun.revert(count)
    back = begun.push()

    assert (forth.done, back.done) == (True, True)
    assert {"r1": 100} == begun.weights()
    assert {f"{MODEL}-r1"} == begun.running()
    assert [] == begun.faults


def test_a_release_that_crashes_never_holds_up_its_revert(begun: World) -> None:
    """One push introduces r3, whose pods crash, and retires r2; the next one reverts both."""
    for words in (INTRODUCE, SHIFT, PROMOTE):
        begun.must(*words)
        assert begun.push().done
    begun.must("release", MODEL, "--image", f"registry.example.com/modelserver@sha256:{'c' * 64}")
    begun.must("shift", *TO, "r3=0")
    begun.must(*RETIRE)
    begun.sick = frozenset({f"{MODEL}-r3"})
    assert begun.push().done
    begun.revert(2)
    back = begun.push()

    assert back.done
    assert {f"{MODEL}-r1", f"{MODEL}-r2"} == begun.running()
    assert [] == begun.faults


def test_a_retired_release_comes_back_anew(begun: World) -> None:
    """Its Deployment is gone at once, so that the next commit makes a new one."""
    for words in (INTRODUCE, SHIFT, PROMOTE, RETIRE):
        begun.must(*words)
        assert begun.push().done
    gone = begun.running()
    begun.revert(2)
    assert begun.push().done

    assert {f"{MODEL}-r2"} == gone
    assert {f"{MODEL}-r1", f"{MODEL}-r2"} == begun.running()
    assert [] == begun.faults


def test_a_former_service_stays_until_the_model_goes(begun: World) -> None:
    """It is no difference that Argo CD counts, and the end of the Application takes it."""
    for words in (INTRODUCE, SHIFT, PROMOTE, RETIRE):
        begun.must(*words)
        begun.push()
    stays, counted = services(begun.api), begun.is_synced()
    begun.ground.git("rm", "--quiet", "-r", f"apps/{MODEL}/envs/{ENVIRONMENT}.yaml")
    begun.ground.must("render")
    begun.ground.commit(f"apps/{MODEL}: Leave staging")
    begun.push()

    assert {f"{MODEL}-r1", f"{MODEL}-r2"} == stays
    assert counted
    assert set() == services(begun.api)


def test_a_shadow_comes_and_goes(begun: World) -> None:
    """A release that gets copies only: at no moment they are for a Service that is not there."""
    world.serve(begun.ground, {"r1": 100}, shadow=("r2", 20))
    begun.ground.commit(f"apps/{MODEL}: Copy to r2")
    syncs = [begun.push()]
    for _ in range(2):
        begun.revert()
        syncs.append(begun.push())

    assert [] == [each for each in syncs if not each.done]
    assert [] == begun.faults


def waits(world: World) -> bool:
    """Whether r2, whose pods crash, holds up the revert of r1's retirement."""
    for words in (INTRODUCE, SHIFT, PROMOTE):
        world.must(*words)
        world.push()
    world.sick = frozenset({f"{MODEL}-r3"})
    world.must("release", MODEL, "--image", f"registry.example.com/modelserver@sha256:{'c' * 64}")
    world.must("shift", *TO, "r3=0")
    world.must(*RETIRE)
    world.push()
    world.revert(2)
    return not world.push().done


def prunes_last(files: dict[str, bytes]) -> dict[str, bytes]:
    """A commit's files with the setting that makes a sync wait before it prunes."""
    return {
        path: text.replace(b"    syncOptions:\n", b"    syncOptions:\n      - PruneLast=true\n")
        if path.startswith("argocd/applications/")
        else text
        for path, text in files.items()
    }


def prunes_services(files: dict[str, bytes]) -> dict[str, bytes]:
    """A commit's files without what keeps the Service of a former release."""
    return {path: text.replace(b"Prune=false", b"Prune=true") for path, text in files.items()}


def test_the_player_sees_what_prune_last_does(
    begun: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it a sync that prunes waits for the health of what it applied: for ever here."""
    _files(monkeypatch, prunes_last)

    assert waits(begun)


def test_the_player_sees_a_pruned_service(begun: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the annotation there is a moment at which a route names no Service."""
    _files(monkeypatch, prunes_services)
    for words in (INTRODUCE, SHIFT, PROMOTE, RETIRE):
        begun.must(*words)
        begun.push()

    assert [f"names the missing Service {MODEL}-r1"] == sorted(
        {fault.partition(") ")[2] for fault in begun.faults}
    )


def _files(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    read = world.files
    monkeypatch.setattr(world, "files", lambda *given: change(dict(read(*given))))


def services(api: Api) -> set[str]:
    """The live Services of models."""
    return {
        each["metadata"]["name"]
        for each in api.list("v1", "Service")
        if each["metadata"]["name"].startswith(MODEL)
    }


def test_what_a_project_does_not_let_in_is_told(begun: World) -> None:
    """A kind that is on no list is refused before anything is applied, with the words why."""
    begun.ground.write(
        f"apps/{MODEL}/rendered/{ENVIRONMENT}/secret-s.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
    )
    begun.ground.commit("apps/linear: Bring a Secret")
    refused = begun.push()

    assert "Secret is not permitted in project" in refused.failed
    assert [] == refused.applied
    assert begun.api.get(Key("v1", "Secret", "models-forecasting", "s")) is None
