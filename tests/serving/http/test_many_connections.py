"""Connections without end: those of no use go, and health is answered whatever the others do."""

import json
import resource
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelserver.http.crowd import Crowd, Room
from modelserver.observe.metrics import Metrics
from tests.serving import onnx_models
from tests.serving.asking import GOOD, ROW
from tests.serving.conftest import DEADLINE_S, write_release
from tests.serving.wire import address, raw_request
from waiting import until

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

OPEN_FILES = 100
CONNECTIONS = 150
# The server itself, which may open few files.
PROGRAM = f"""
import resource, runpy
resource.setrlimit(resource.RLIMIT_NOFILE, ({OPEN_FILES}, {OPEN_FILES}))
runpy.run_module("modelserver", run_name="__main__", alter_sys=True)
"""
FEW_FILES = ("-c", PROGRAM)
BEGUN = {
    "silent": b"",
    "one byte": b"P",
    "headers": b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\n",
    "body": raw_request(b" " * 90)[:-10],
    "answered": b"GET /v2 HTTP/1.1\r\nhost: x\r\n\r\n",
}


@pytest.fixture
def server(tmp_path: Path, start: "Start") -> "Server":
    """A ready server that may open few files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert min(soft, hard) > 2 * CONNECTIONS  # of this process, which has as many
    server = start(write_release(tmp_path, onnx_models.affine()), FEW_FILES)
    server.until("ready")
    return server


@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN)
def test_more_connections_than_files(server: "Server", begun: bytes) -> None:
    """However many connections wait, and with what: new ones are answered, and it is told once."""
    with ExitStack() as opened:
        for _ in range(CONNECTIONS):
            connection = opened.enter_context(socket.create_connection(address(server)))
            try:
                connection.sendall(begun)
            except ConnectionError:
                continue  # it had to go already
        live = server.client.get(f"{server.url}/v2/health/live")
        answer = server.infer(GOOD)
        closed = server.metric("modelserver_connections_closed_total", reason="shortage")
        limit = server.metric("modelserver_connections_limit")

    assert live.status_code == answer.status_code == 200
    assert closed > 0
    assert 8 < limit < OPEN_FILES
    assert len(server.events("connections-short")) == 1


def test_clients_that_stop_in_the_middle_of_their_bodies(tmp_path: Path, start: "Start") -> None:
    """A request takes its place when its body is there: until then it keeps nobody out."""
    server = start(write_release(tmp_path, onnx_models.affine(), MAX_INFLIGHT=2))
    server.until("ready")
    stopped = raw_request(b" " * 1000)[:-10]
    with ExitStack() as opened:
        for _ in range(64):
            connection = opened.enter_context(socket.create_connection(address(server)))
            connection.sendall(stopped)
        server.until_metric("modelserver_requests_receiving", 64)

        assert server.infer(GOOD).status_code == 200
        assert server.metric("modelserver_requests_in_flight") == 0
    server.until_metric("modelserver_requests_receiving", 0)
    assert server.metric("modelserver_request_bytes_in_flight") == 0


def test_large_bodies_that_stop_make_room(tmp_path: Path, start: "Start") -> None:
    """Bodies that stopped end where another needs their room; small ones find room before that."""
    limits = {"MAX_BODY_BYTES": 300_000, "MAX_INFLIGHT_BYTES": 600_000}
    server = start(write_release(tmp_path, onnx_models.affine(), **limits))
    server.until("ready")
    tensor = GOOD["inputs"][0] | {"shape": [13_900, 4], "data": ROW * 13_900}
    large = json.dumps({"inputs": [tensor]}).encode()
    assert 280_000 < len(large) < 300_000
    url = f"{server.url}/v2/models/sample/infer"
    with ExitStack() as opened:
        for _ in range(2):
            connection = opened.enter_context(socket.create_connection(address(server)))
            connection.sendall(raw_request(b" " * 250_000)[:-10])
        server.until_metric("modelserver_request_bytes_in_flight", 2 * 249_990)

        assert server.infer(GOOD).status_code == 200
        until(lambda: server.client.post(url, content=large).status_code, lambda it: it == 200)
    server.until_metric("modelserver_request_bytes_in_flight", 0)


def test_many_pipelined_requests(affine_server: "Server") -> None:
    """The headers of each of many requests in one write are counted by themselves."""
    body = json.dumps(GOOD).encode()
    request = raw_request(body, x=f"{'x' * 200}")
    last = raw_request(body, connection="close")
    with socket.create_connection(address(affine_server), timeout=DEADLINE_S) as connection:
        connection.sendall(request * 400 + last)
        received = connection.makefile("rb").read()

    assert received.count(b"HTTP/1.1 200 OK\r\n") == 401


def test_pipelined_requests_wait_as_bytes(affine_server: "Server") -> None:
    """Thousands of tiny requests in a packet are answered, each in its turn."""
    get, close = b"GET /v2 HTTP/1.1\r\n\r\n", b"GET /v2 HTTP/1.1\r\nconnection: close\r\n\r\n"
    with socket.create_connection(address(affine_server), timeout=DEADLINE_S) as connection:
        connection.sendall(get * 5000 + close)
        received = connection.makefile("rb").read()

    assert received.count(b"HTTP/1.1 200 OK\r\n") == 5001


class Member:
    """A connection that is idle since then; None if it is busy."""

    is_receiving = False

    def __init__(self, idle_since: float | None) -> None:
        self.idle_since = idle_since
        self.waiting_header_bytes = 0
        self.is_there = True

    def part(self) -> None:
        """Remember it."""
        self.is_there = False


def test_who_goes_first() -> None:
    """Whoever did nothing for longest makes room for a newcomer; a request in progress stays."""
    crowd = Crowd(Room(stay=3, burst=2, backlog=1), Metrics(model="sample", release="r1"))
    busy, old, young, new = (Member(since) for since in (None, 1.0, 2.0, 3.0))
    entered = [crowd.enter(each) for each in (busy, young, old, new)]

    assert [True] * 4 == entered
    assert [True, False, True, True] == [each.is_there for each in (busy, old, young, new)]


def test_where_all_are_busy_nobody_comes() -> None:
    """Where no connection can go, a few more are let in, and then none."""
    crowd = Crowd(Room(stay=2, burst=1, backlog=1), Metrics(model="sample", release="r1"))
    entered = [crowd.enter(Member(None)) for _ in range(5)]

    assert [True, True, True, False, False] == entered
    assert crowd.is_over


def test_headers_that_wait_are_bounded() -> None:
    """Headers that clients began and did not end are bounded over all connections."""
    crowd = Crowd(Room(stay=999, burst=1, backlog=1), Metrics(model="sample", release="r1"))
    members = [Member(float(since)) for since in range(1, 201)]
    for each in members:
        crowd.enter(each)
        crowd.wait_for_headers(each, 60_000)

    kept = [each.waiting_header_bytes for each in members if each.is_there]
    assert sum(kept) <= 8 << 20
    assert not members[0].is_there
    assert members[-1].is_there
