"""HTTP as clients may send it, against a real server process."""

import json
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.serving.conftest import Server
from tests.serving.asking import GOOD, raw_answer


def test_pipelined_requests_are_answered_in_order(affine_server: "Server") -> None:
    """Two requests in one packet get two answers, one after the other."""
    parts = []
    for name, close in ((b"first", b""), (b"second", b"connection: close\r\n")):
        body = json.dumps(GOOD | {"id": name.decode()}).encode()
        parts.append(
            b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\n%bcontent-length: %d\r\n\r\n%b"
            % (close, len(body), body)
        )

    received = raw_answer(affine_server, b"".join(parts))

    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.index(b'"first"') < received.index(b'"second"')


def test_request_in_single_bytes(affine_server: "Server") -> None:
    """However a request is cut into packets, the answer is the same."""
    body = json.dumps(GOOD).encode()
    head = (
        b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )

    received = raw_answer(affine_server, *(bytes([byte]) for byte in head + body))

    assert received.startswith(b"HTTP/1.1 200 OK")


def test_chunked_request(affine_server: "Server") -> None:
    """A body without an announced size is read as well."""
    body = json.dumps(GOOD).encode()
    response = affine_server.client.post(
        f"{affine_server.url}/v2/models/sample/infer", content=iter([body[:9], body[9:]])
    )

    assert response.status_code == 200


def test_expect_continue(affine_server: "Server") -> None:
    """A client that asks before it sends its body is told to go on."""
    body = json.dumps(GOOD).encode()
    head = (
        b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(body)
    )

    received = raw_answer(affine_server, head, body)

    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"POST /v2 HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", b"400"),
        (b"GET /v2 HTTP/1.1\r\n" + b"a: " + b"b" * 70_000, b"431"),
    ],
)
def test_broken_http(affine_server: "Server", sent: bytes, status: bytes) -> None:
    """What is not HTTP, or never ends, is answered as JSON and closed."""
    received = raw_answer(affine_server, sent)
    head, _, body = received.partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nx-request-id: " in head
    assert json.loads(body)["error"]


def test_client_that_goes_away(affine_server: "Server") -> None:
    """A connection that dies in the middle of a request leaves nothing behind."""
    host, port = affine_server.url.removeprefix("http://").split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"
            )

    assert affine_server.infer(GOOD).status_code == 200
    affine_server.until_metric("modelserver_requests_in_flight", 0)
