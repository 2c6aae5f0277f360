"""Where a server listens."""

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from modelserver.errors import AddressUnavailable
from modelserver.http import listeners
from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import DEADLINE_S, write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

CONNECTIONS = 40


def test_both_families(tmp_path: Path, start: "Start") -> None:
    """Unless it is told otherwise, a server is reached by IPv4 and by IPv6."""
    server = start(write_release(tmp_path, onnx_models.affine(), HOST=""))
    port = server.until("listening")["port"]
    hosts = ["127.0.0.1", "[::1]"] if socket.has_dualstack_ipv6() else ["127.0.0.1"]

    found = [httpx.get(f"http://{host}:{port}/v2/health/live").status_code for host in hosts]

    assert [200] * len(hosts) == found


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_one_address(host: str) -> None:
    """Where an address is named, it alone is listened on."""
    with listeners.bind(host, 0) as sock:
        assert host == sock.getsockname()[0]


def test_machine_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reached by IPv4."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)

    with listeners.bind(listeners.ANY_HOST, 0) as sock:
        assert "0.0.0.0" == sock.getsockname()[0]  # noqa: S104


def test_replicas_share_a_port_where_all_of_them_ask_for_it(tmp_path: Path, start: "Start") -> None:
    """Both become ready on one port, and when one has ended the other answers alone."""
    shared = {"SHARE_PORT": "true", "DRAIN_DELAY_S": 0}
    first = start(write_release(tmp_path, onnx_models.affine(), **shared))
    port = first.until("ready") and first.until("listening")["port"]
    second = start(write_release(tmp_path, onnx_models.affine(), **shared, PORT=port))
    second.until("ready")

    assert first.stop() == 0
    assert second.client.get(f"{second.url}/v2/health/ready").status_code == 200


def test_a_replica_joins_a_shared_port_once_it_is_ready(tmp_path: Path, start: "Start") -> None:
    """While one replica starts, every new connection is answered by one that serves."""
    first = start(write_release(tmp_path, onnx_models.affine(), SHARE_PORT="true"))
    port = first.until("ready") and first.until("listening")["port"]
    with socket.create_server(("127.0.0.1", 0)) as source:
        source.settimeout(DEADLINE_S)
        uri = f"http://127.0.0.1:{source.getsockname()[1]}/late.onnx"
        late = {
            "SHARE_PORT": "true",
            "PORT": port,
            "ARTIFACT_URI": uri,
            "CACHE_DIR": tmp_path / "b",
        }
        second = start(write_release(tmp_path, onnx_models.affine(), **late))
        waiting, _ = source.accept()  # and there it stays: nobody answers

        ready = f"{first.url}/v2/health/ready"
        statuses = {httpx.get(ready, timeout=DEADLINE_S).status_code for _ in range(CONNECTIONS)}
        waiting.close()

    assert statuses == {200}
    assert second.events("listening") == []
    assert second.stop() == 0


def test_port_is_not_shared_by_accident(tmp_path: Path, start: "Start") -> None:
    """A second server on a port that does not ask for sharing ends, and names the port."""
    first = start(write_release(tmp_path, onnx_models.affine(), SHARE_PORT="true"))
    port = first.until("listening")["port"]

    second = start(write_release(tmp_path, onnx_models.affine(), PORT=port))

    assert second.exit_code() == AddressUnavailable.exit_code
    assert str(port) in second.until("start-failed")["detail"]


@pytest.mark.parametrize("claimed", ["stable", "shared", "direct"])
def test_copies_are_known_by_their_port(tmp_path: Path, start: "Start", claimed: str) -> None:
    """A copy carries the headers of its original, and is counted as a copy all the same."""
    server = start(write_release(tmp_path, onnx_models.affine(), MIRROR_PORT=0))
    server.until("ready")
    mirror = f"http://127.0.0.1:{server.until('listening')['mirror_port']}"

    answered = httpx.post(
        f"{mirror}/v2/models/sample/infer", json=GOOD, headers={"x-model-role": claimed}
    )

    assert 200 == answered.status_code
    assert 1 == server.metric("modelserver_requests_total", role="shadow", code="200")
    assert 0 == server.metric("modelserver_requests_total", role=claimed, code="200")


def test_a_taken_port_for_copies_ends_the_start(tmp_path: Path, start: "Start") -> None:
    """The error names the port for copies where that is the one that is taken."""
    with listeners.bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        server = start(write_release(tmp_path, onnx_models.affine(), MIRROR_PORT=port))

        assert AddressUnavailable.exit_code == server.exit_code()
    assert str(port) in server.until("start-failed")["detail"]


@pytest.mark.parametrize("path", ["/v2/models/sample/infer", "/v2/models/other", "/v2/health/live"])
def test_every_answer_names_its_release(affine_server: "Server", path: str) -> None:
    """Behind weights nobody else can tell which release an answer, or an error, came from."""
    answer = affine_server.client.post(f"{affine_server.url}{path}", json=GOOD)

    assert "r1" == answer.headers["x-model-release"]
