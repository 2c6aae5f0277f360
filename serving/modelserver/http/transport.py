"""uvicorn as this server needs it: a short way for inference, signals left to the process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from modelserver.errors import AddressUnavailable
from modelserver.http.connection import Connection
from modelserver.http.endpoint import InferEndpoint

KEEP_ALIVE_S = 3660
"""Longer than Envoy's hour: where the server closes first, a request fails now and then."""

_BACKLOG = 2048  # as uvicorn's


class HttpServer(uvicorn.Server):
    """uvicorn's server; the process decides when it ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def server(app: InferEndpoint) -> HttpServer:
    """An HTTP server for the inference endpoint and the application behind it, not yet serving."""
    paths = frozenset(path.encode() for path in app.paths)
    config: dict[str, Any] = {
        "http": type("Served", (Connection,), {"inference": app.inference, "paths": paths}),
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
    }
    return HttpServer(uvicorn.Config(app, **config))


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket bound to the address, which `accept` opens; port 0 takes any free one.

    With `shared`, other processes that ask for the same may listen there as well; the kernel
    spreads new connections over those that do.

    Raises `AddressUnavailable`.
    """
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, number)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
    except OSError as error:
        raise _unavailable(host, port, error) from error
    # Connections inherit this; the kernel finds dead clients, so none needs a timer here.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setblocking(False)  # noqa: FBT003 - positional only
    return sock


def accept(sock: socket.socket) -> None:
    """Listen: from here on nobody is refused, though the loop accepts later.

    Raises `AddressUnavailable`.
    """
    try:
        sock.listen(_BACKLOG)
    except OSError as error:
        host, port, *_ = sock.getsockname()
        raise _unavailable(host, port, error) from error


def _unavailable(host: str, port: int, error: OSError) -> AddressUnavailable:
    problem = error.strerror or error
    return AddressUnavailable(f"{host}:{port}: {problem}; end what listens there or change PORT")
