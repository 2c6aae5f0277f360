"""An environment goes from one version of the template to the next, and back, on a real server.

What version v1 gave for a sample model is kept in `template_v1/`.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratch import PROJECT
from tests.cluster import world
from tests.cluster.api import Api
from tests.cluster.world import World

_MODEL, _ENVIRONMENT = "digits-mlp", "prod"
_RENDERED = f"apps/{_MODEL}/rendered/{_ENVIRONMENT}"
_V1 = Path(__file__).parent / "template_v1"


@pytest.fixture
def before(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A cluster that has followed a commit of version v1; the next commit is rendered anew."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "1700000000 +0000")
    for folder in (f"apps/{_MODEL}", "argocd"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    for each in (tmp_path / "argocd/applications").glob("*/*.yaml"):
        each.unlink()
    ground = world.begin(tmp_path)
    shutil.rmtree(tmp_path / _RENDERED)
    shutil.copytree(_V1 / "apps", tmp_path / "apps", dirs_exist_ok=True)
    shutil.copytree(_V1 / "argocd", tmp_path / "argocd", dirs_exist_ok=True)
    ground.commit("apps: Render with template v1")
    followed = World(api, ground, model=_MODEL, environment=_ENVIRONMENT)
    try:
        assert followed.push().done
        yield followed
    finally:
        followed.close()


def test_the_move_and_its_revert(before: World) -> None:
    """No moment without a Service that a route names; the pods of both versions have one name."""
    deployed = before.running()
    shutil.rmtree(before.ground.root / _RENDERED)
    before.ground.must("render")
    before.ground.commit("argocd: Pin template v2 in prod")
    forth = before.push()
    came = before.running()
    before.revert()
    before.push()
    back = before.push()  # version v1 waits for health before it prunes: it is there now

    assert (forth.done, back.done) == (True, True)
    assert deployed == came == before.running()
    assert [] == before.faults
