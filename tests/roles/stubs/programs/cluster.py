"""Requests of the programs on a node to the cluster's API, over its unix socket."""

import http.client
import json
import os
import socket
from typing import Any

from . import calls

Json = Any
SOCKET = os.environ.get("STUB_API_SOCKET", "/srv/cluster/api.sock")
MERGE = "application/merge-patch+json"


class Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def connect(self) -> None:
        """Open the socket instead of a TCP connection."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(SOCKET)


def request(
    method: str, path: str, body: Json = None, *, kind: str = "application/json"
) -> tuple[int, dict[str, Any]]:
    """Status and decoded body of one request; status 0 when nobody listens."""
    connection = Connection("cluster")
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": kind, "User-Agent": "stub"})
        answer = connection.getresponse()
        raw = answer.read()
    except OSError as error:
        return 0, {"message": f"dial unix {SOCKET}: {error}"}
    finally:
        connection.close()
    return answer.status, json.loads(raw or b"{}")


def must(method: str, path: str, body: Json = None, *, kind: str = "application/json") -> Json:
    """The decoded body of a request that has to succeed."""
    status, found = request(method, path, body, kind=kind)
    if status not in {200, 201}:
        calls.fail(f"error: {method} {path}: {status} {found.get('message', '')}")
    return found


def put(path: str, name: str, body: dict[str, Any]) -> None:
    """Create an object, or merge into the one that is there."""
    status, found = request("POST", path, body)
    if status == 409:
        status, found = request("PATCH", f"{path}/{name}", body, kind=MERGE)
    if status not in {200, 201}:
        calls.fail(f"error: {path}/{name}: {status} {found.get('message', '')}")
