"""A model server, and an Envoy in front of it, shared by the tests of gRPC."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from serving.bench.bridge import rule
from tests.serving.grpc.bridged import envoy

if TYPE_CHECKING:
    from tests.serving.conftest import Server


@pytest.fixture(scope="session")
def bridge(affine_server: "Server", tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an Envoy answers in front of the shared server, whose model is called sample."""
    port = int(affine_server.url.rpartition(":")[2])
    published = {"sample": (rule("sample"), rule("sample", ("x-model-release", "r1"))), "new": ()}
    with envoy(tmp_path_factory.mktemp("envoy"), port, published) as found:
        yield f"127.0.0.1:{found}"
