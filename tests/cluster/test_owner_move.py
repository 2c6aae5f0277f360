"""A model goes from one team's namespace to another's, and callers have pods at every moment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import health, world
from tests.cluster.api import Api, Object
from tests.cluster.world import MODEL, World

_OLD, _NEW = "forecasting", "vision"
_FILE = f"apps/{MODEL}/model.yaml"
_ROUTE = ("gateway.networking.k8s.io/v1", "HTTPRoute")


class Moved(World):
    """A world that looks, at every moment, whether some route leads to pods that are ready."""

    def _look(self) -> None:
        super()._look()
        if not any(self._leads_to_pods(route) for route in self._routes()):
            self.faults.append(f"moment {self.moments}: no route leads to ready pods")

    def _routes(self) -> list[Object]:
        return [r for r in self.api.list(*_ROUTE) if r["metadata"]["name"] == MODEL]

    def _leads_to_pods(self, route: Object) -> bool:
        namespace = route["metadata"]["namespace"]
        (shared,) = (rule for rule in route["spec"]["rules"] if rule.get("name") == "shared")
        wanted = {backend["name"] for backend in shared["backendRefs"] if backend["weight"]}
        ready = {
            each["metadata"]["name"]
            for each in self.api.list("apps/v1", "Deployment", namespace)
            if health.is_healthy(each)
        }
        return wanted <= ready

    def namespaces(self) -> set[str]:
        """Where Deployments and routes of the model stand."""
        found = [*self.api.list("apps/v1", "Deployment"), *self._routes()]
        return {each["metadata"]["namespace"] for each in found}


@pytest.fixture
def moved(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moved]:
    """A cluster that serves the model under its first owner."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "1700000000 +0000")
    followed = Moved(api, world.make(tmp_path))
    namespaces = [{"metadata": {"namespace": f"models-{team}"}} for team in (_OLD, _NEW)]
    world.make_namespaces(api, namespaces)
    try:
        assert followed.push().done
        followed.faults.clear()  # before the first pods there are none
        yield followed
    finally:
        followed.close()


def test_the_steps_of_a_move(moved: Moved) -> None:
    """Start beside, take away, end: each step goes through, and callers have pods throughout."""
    before = (moved.ground.root / _FILE).read_text()
    _commit(moved, before, f"owner: {_NEW}\nmoving_from: {_OLD}")
    beside = moved.push(), moved.namespaces()
    _commit(moved, before, f"owner: {_NEW}\nmoved_from: {_OLD}")
    taken = moved.push(), moved.namespaces()
    _commit(moved, before, f"owner: {_NEW}")
    ended = moved.push(), moved.namespaces()

    assert [] == moved.faults
    assert {f"models-{_OLD}", f"models-{_NEW}"} == beside[1]
    assert {f"models-{_NEW}"} == taken[1] == ended[1]
    assert [True] * 3 == [did.done for did, _ in (beside, taken, ended)]


def test_the_first_step_and_its_revert(moved: Moved) -> None:
    """What was started beside is no hindrance to the way back."""
    before = (moved.ground.root / _FILE).read_text()
    _commit(moved, before, f"owner: {_NEW}\nmoving_from: {_OLD}")
    assert moved.push().done
    moved.revert()
    back = moved.push()

    assert back.done
    assert [] == moved.faults


def test_a_move_in_one_step_leaves_callers_without_pods(moved: Moved) -> None:
    """The old pods go before the new ones are there, which is why the rule refuses it."""
    before = (moved.ground.root / _FILE).read_text()
    _commit(moved, before, f"owner: {_NEW}\nmoved_from: {_OLD}")
    moved.push()

    assert [] != moved.faults


def _commit(moved: Moved, text: str, owner: str) -> None:
    moved.ground.write(_FILE, text.replace(f"owner: {_OLD}", owner))
    moved.ground.must("render")
    assert moved.ground.commit(f"apps/{MODEL}: {owner.splitlines()[-1]}")
