"""A running double, and the kubernetes client pointed at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.cluster.process import Cluster, start


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of three ready nodes."""
    pytest.importorskip("cryptography", reason="Ansible is not installed: make setup-roles")
    folder: Path = tmp_path_factory.mktemp("double")
    cluster = start(folder, nodes="node-a,node-b,node-c")
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(double: Cluster) -> Iterator[Cluster]:
    """The same cluster with no requests on record and a new namespace `work`."""
    double.forget()
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "work"}}
    double.ask("POST", "/api/v1/namespaces", body)
    yield double
    double.ask("DELETE", "/api/v1/namespaces/work")
