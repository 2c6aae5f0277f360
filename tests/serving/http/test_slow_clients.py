"""Clients that send or read slowly, against a real process whose patience is short."""

import json
import select
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import DEADLINE_S, start_server, write_release
from tests.serving.wire import address

if TYPE_CHECKING:
    from tests.serving.conftest import Server

PATIENCE_S = 0.3
PACE_MS = 20
# The same program with a patience that a test can wait for.
PROGRAM = f"""
from modelserver.http import body, bounded
body.PATIENCE_S = bounded.HEADERS_S = bounded.READ_S = {PATIENCE_S}
from modelserver.__main__ import main
main()
"""
HEAD = (
    b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n"
)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Server]":
    """A ready server that waits a fraction of a second for its clients."""
    folder = tmp_path_factory.mktemp("impatient")
    environment = write_release(folder, onnx_models.affine())
    server = start_server(environment, folder / "server.log", ("-c", PROGRAM))
    server.until("ready")
    yield server
    server.close()


def dribble(connection: socket.socket, content: bytes) -> bytes:
    """The answer to a client that sends a byte now and then until there is one."""
    watch = select.poll()
    watch.register(connection, select.POLLIN)
    for byte in content:
        if watch.poll(PACE_MS):
            break
        connection.sendall(bytes([byte]))
    return connection.makefile("rb").read()


def answered(received: bytes) -> tuple[bytes, str]:
    """Status and error of an answer."""
    head, _, body = received.partition(b"\r\n\r\n")
    return head.split()[1], json.loads(body)["error"]


def test_body_that_stops(impatient: "Server") -> None:
    """A client that stops in the middle of its body is told so, and what it held is freed."""
    with socket.create_connection(address(impatient), timeout=DEADLINE_S) as connection:
        connection.sendall(HEAD % 99 + b"{")
        found = connection.makefile("rb").read()

    assert answered(found)[0] == b"408"
    impatient.until_metric("modelserver_requests_in_flight", 0)
    assert impatient.metric("modelserver_request_bytes_in_flight") == 0


def test_body_that_never_ends(impatient: "Server") -> None:
    """A byte now and then does not keep a connection: the body as a whole has its time."""
    with socket.create_connection(address(impatient), timeout=DEADLINE_S) as connection:
        connection.sendall(HEAD % 100_000)
        found = dribble(connection, b" " * 100_000)

    status, error = answered(found)
    assert status == b"408"
    assert error.startswith("body: expected some part every")


def test_headers_that_never_end(impatient: "Server") -> None:
    """The same for headers."""
    with socket.create_connection(address(impatient), timeout=DEADLINE_S) as connection:
        connection.sendall(b"POST /v2 HTTP/1.1\r\nx: ")
        found = dribble(connection, b"a" * 60_000)

    assert answered(found)[0] == b"408"


def test_client_that_does_not_read(impatient: "Server") -> None:
    """A client that takes nothing of a large answer is cut off, and its connection freed."""
    rows = 200_000
    tensor = GOOD["inputs"][0] | {"shape": [rows, 4], "data": [0.123456] * 4 * rows}
    body = json.dumps({"inputs": [tensor]}).encode()
    before = impatient.metric("process_open_fds")
    answered_before = impatient.metric("modelserver_requests_total")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(DEADLINE_S)
        connection.connect(address(impatient))
        connection.sendall(HEAD % len(body) + body)
        impatient.until_metric("modelserver_requests_total", answered_before + 1)
        impatient.until_metric("process_open_fds", before)

    assert impatient.infer(GOOD).status_code == 200
