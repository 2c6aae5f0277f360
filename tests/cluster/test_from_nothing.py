"""An empty cluster is filled in the right order by trying again, and by nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from scratch import PROJECT
from tests.cluster import control_plane as planes
from tests.cluster import tools
from tests.cluster.api import Api, Object, RefusedError

ENVIRONMENTS = [
    each.name for each in load(WorkTree(PROJECT)).environments.ordered if each.engine == "argocd"
]
# Of the charts' namespaces the one that rendered objects lie in.
NAMESPACE: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}}


def folders(environment: str) -> Iterator[Path]:
    """What each Application of an environment syncs, the ones that need most first."""
    yield from sorted(PROJECT.glob(f"apps/*/rendered/{environment}"))
    platform = PROJECT / "argocd" / "platform" / environment
    yield from sorted(each for each in platform.iterdir() if each.is_dir())


def objects(folder: Path) -> list[Object]:
    """The objects of one Application, in no order that means anything."""
    return [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))]


def synced(api: Api, folder: Path) -> bool:
    """Whether a sync applied everything; what was refused holds back nothing else."""
    refused = 0
    for value in objects(folder):
        try:
            api.apply(value)
        except RefusedError:
            refused += 1
    return not refused


@pytest.mark.cluster
@pytest.mark.parametrize("environment", ENVIRONMENTS[-1:])
def test_nothing_has_to_come_first(environment: str) -> None:
    """Tried in the worst order, before there is any definition; the next try brings it all."""
    if words := tools.missing(*planes.PROGRAMS):
        pytest.skip(words)
    if tools.crds() is None:
        pytest.skip(f"the vendors' CRDs were not fetched: {tools.HOW}")
    every = list(folders(environment))

    with planes.running(crds=False) as plane, plane.client() as api:
        first = [folder.name for folder in every if not synced(api, folder)]
        planes.install_crds(api)
        api.apply(NAMESPACE)
        second = [folder.name for folder in every if not synced(api, folder)]

    assert first
    assert [] == second
