"""HTTP as clients may send it, against a real server process."""

import json
import re
import socket
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.serving.conftest import Server
from tests.serving.asking import GOOD, raw_answer
from tests.serving.conftest import DEADLINE_S
from tests.serving.wire import address, raw_request


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


@given(
    pads=st.lists(st.sampled_from([0, 1, 16_000, 17_000, 70_000, 150_000]), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 300_000), max_size=6),
)
@settings(max_examples=25, deadline=None)
def test_requests_of_any_size_cut_anywhere(
    affine_server: "Server", pads: list[int], cuts: list[int]
) -> None:
    """Long bodies and short ones, one behind the other, each get the right answer in turn."""
    stream = b"".join(
        raw_request(
            json.dumps(GOOD | {"id": f"n{number}"}).encode() + b" " * pad,
            connection="close" if number == len(pads) - 1 else "keep-alive",
        )
        for number, pad in enumerate(pads)
    )
    places = sorted({0, len(stream), *(cut % len(stream) for cut in cuts)})

    received = raw_answer(affine_server, *(stream[start:stop] for start, stop in pairwise(places)))

    assert [f"n{number}".encode() for number in range(len(pads))] == re.findall(
        rb'"id":"(n\d)"', received
    )
    assert [b"200"] * len(pads) == re.findall(rb"HTTP/1.1 (\d+) ", received)


def test_long_body_that_is_refused_ends_where_it_was_said_to(affine_server: "Server") -> None:
    """What is left of a body after its answer is thrown away, and the next request answered."""
    refused = raw_request(b" " * 300_000, content_encoding="unknown")
    good = raw_request(json.dumps(GOOD).encode(), connection="close")

    received = raw_answer(affine_server, refused[:1000], refused[1000:] + good)

    assert [b"415", b"200"] == re.findall(rb"HTTP/1.1 (\d+) ", received)


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

    with socket.create_connection(address(affine_server), timeout=DEADLINE_S) as connection:
        connection.sendall(head)
        told = connection.recv(1024)
        connection.sendall(body)
        received = connection.makefile("rb").read()

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert received.startswith(b"HTTP/1.1 200 OK")


def test_expect_continue_of_a_body_that_is_not_wanted(affine_server: "Server") -> None:
    """The answer comes instead, and the connection ends: who knows whether the body still comes."""
    head = b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"

    received = raw_answer(affine_server, head + b"content-length: 99999999\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in received


UPGRADE = (
    b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\n"
    b"connection: Upgrade, HTTP2-Settings%b\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
)


@pytest.mark.parametrize("apart", [False, True])
def test_upgrade_is_ignored(affine_server: "Server", *, apart: bool) -> None:
    """A client that would like HTTP/2 gets HTTP/1.1, for its body and for what follows it."""
    body = json.dumps(GOOD).encode()
    sized = UPGRADE % b"" + b"content-length: %d\r\n\r\n" % len(body)
    chunked = UPGRADE % b"" + b"transfer-encoding: chunked\r\n\r\n"
    get = b"GET /v2 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    last = UPGRADE % b", close" + b"content-length: %d\r\n\r\n" % len(body)
    parts = (sized, body, chunked, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body), get, last, body)

    received = raw_answer(affine_server, *(parts if apart else (b"".join(parts),)))

    assert received.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert received.count(b'"outputs"') == 3


def test_connect_is_refused(affine_server: "Server") -> None:
    """This server is no proxy."""
    received = raw_answer(affine_server, b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 400 ")


def test_mistake_behind_a_request(affine_server: "Server") -> None:
    """What comes before it is answered first, and nothing that comes after it."""
    whole = raw_request(json.dumps(GOOD).encode())

    received = raw_answer(affine_server, whole * 2 + b"GARBAGE\r\n\r\n" + whole)

    assert re.findall(rb"HTTP/1.1 (\d+) ", received) == [b"200", b"200", b"400"]


def test_trailers_are_no_headers(affine_server: "Server") -> None:
    """A field behind the body says nothing about the request."""
    body = json.dumps(GOOD).encode()
    head = b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    chunks = b"%x\r\n%b\r\n0\r\ncontent-encoding: gzip\r\n\r\n" % (len(body), body)

    received = raw_answer(affine_server, head + b"transfer-encoding: chunked\r\n\r\n" + chunks)

    assert received.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "endless",
    [b"0\r\n" + b"a: b\r\n" * 20_000, b"0\r\na: " + b"b" * 90_000, b"5;" + b"e" * 90_000],
)
def test_framing_is_bounded(affine_server: "Server", endless: bytes) -> None:
    """Trailers and extensions of chunks that never end are cut off like headers."""
    head = b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"

    received = raw_answer(affine_server, head + b"1\r\n{\r\n", endless)

    assert received.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("url", [b"/" + b"a" * 65_600, b"//", b"*"])
def test_url_that_is_none(affine_server: "Server", url: bytes) -> None:
    """What cannot be a URL is the client's mistake, and no fault of the server."""
    received = raw_answer(affine_server, b"GET %b HTTP/1.1\r\nconnection: close\r\n\r\n" % url)

    assert re.match(rb"HTTP/1.1 4\d\d ", received)
    assert affine_server.events("connection-crashed") == []


def test_many_header_fields(affine_server: "Server") -> None:
    """However short header fields are, there are only so many of them."""
    received = raw_answer(affine_server, b"GET /v2 HTTP/1.1\r\n" + b"a:\r\n" * 300 + b"\r\n")

    assert received.startswith(b"HTTP/1.1 431 ")


def test_http_1_0_is_closed(affine_server: "Server") -> None:
    """Its clients wait for the end of the connection, unless they are told otherwise."""
    whole = raw_request(json.dumps(GOOD).encode(), connection="keep-alive")

    received = raw_answer(affine_server, whole.replace(b"HTTP/1.1", b"HTTP/1.0"))

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nconnection: close\r\n" in received


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
