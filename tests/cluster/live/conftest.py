"""A cluster as far as requests can tell: API server, Envoy Gateway, Envoy and model servers."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster import control_plane, private, tools
from tests.cluster.live.stage import Stage, staged


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Everything, with r1 of the sample model serving; one for all tests of this folder.

    It has an API server of its own: a controller writes to it.
    """
    if not private.is_inside():
        pytest.skip("needs a network of its own: make test-cluster gives it one")
    if words := tools.missing("envoy-gateway", *control_plane.PROGRAMS):
        pytest.skip(words)
    folder, before = tmp_path_factory.mktemp("stage"), Path.cwd()
    dates = {name: os.environ.get(name) for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE")}
    with ExitStack() as ended:
        ended.callback(_restore, before, dates)
        plane = ended.enter_context(control_plane.running())
        yield ended.enter_context(staged(plane, folder))


@pytest.fixture
def live(stage: Stage) -> Stage:
    """The stage, back where it began: r1 serves everything, nothing else runs."""
    stage.begin()
    return stage


def _restore(folder: Path, variables: dict[str, str | None]) -> None:
    os.chdir(folder)
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
