"""The real programs of a cluster, for the tests that need them."""

from collections.abc import Iterator

import pytest

from tests.cluster import control_plane as planes
from tests.cluster import tools
from tests.cluster.api import Api
from tests.cluster.control_plane import ControlPlane


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need built programs, which `make test-cluster` runs."""
    for item in items:
        if {"api", "control_plane"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A real API server with the vendors' CRDs, one for all tests of a session."""
    if words := tools.missing(*planes.PROGRAMS):
        pytest.skip(words)
    if tools.crds() is None:
        pytest.skip(f"the vendors' CRDs were not fetched: {tools.HOW}")
    with planes.running() as plane:
        yield plane


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[Api]:
    """A client that may do everything, of an API server that other tests use too."""
    with control_plane.client() as client:
        yield client
