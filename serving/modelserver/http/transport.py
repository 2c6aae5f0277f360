"""The HTTP server of this process, which is uvicorn's, and the socket at which it listens."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from uvicorn.config import Config
from uvicorn.server import Server

from modelserver.errors import AddressUnavailable
from modelserver.http.asgi import ASGIApp
from modelserver.http.connection import Connection
from modelserver.http.crowd import Crowd, room
from modelserver.http.dialect import Dialect
from modelserver.inference.shared import Inference

KEEP_ALIVE_S = 3660
"""How long an idle connection stays open: longer than Envoy keeps it, which is an hour.

Where the server closed first, a request that Envoy sends at that moment would fail.
"""

ANY_HOST = "::"
"""Every address of the machine, in both families; where it has no IPv6, those of IPv4."""

_ANY_IPV4 = "0.0.0.0"  # noqa: S104 - a pod is reached from outside


class HttpServer(Server):
    """uvicorn's server; the process decides when it ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield


def server(app: ASGIApp, inference: Inference, paths: Mapping[str, Dialect]) -> HttpServer:
    """An HTTP server, not yet serving: inference at `paths`, and the application for all else."""
    crowd = Crowd(room(), inference.metrics)
    served = {
        "inference": inference,
        "paths": {path.encode(): dialect for path, dialect in paths.items()},
        "crowd": crowd,
    }
    config: dict[str, Any] = {
        "http": type("Served", (Connection,), served),
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "backlog": crowd.room.backlog,
    }
    return HttpServer(Config(app, **config))


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that is bound to the address, but does not listen yet; port 0 takes any free one.

    With `shared`, other processes that ask for it too may listen there as well, and the kernel
    spreads new connections over them.

    Raises:
        AddressUnavailable: The address cannot be bound.
    """
    if host == ANY_HOST and not socket.has_dualstack_ipv6():
        host = _ANY_IPV4
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, number)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if host == ANY_HOST:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
    except OSError as error:
        raise _unavailable(host, port, error) from error
    # Connections inherit this; the kernel finds dead clients, so none needs a timer here.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setblocking(False)  # noqa: FBT003 - positional only
    return sock


def accept(sock: socket.socket) -> None:
    """Listen: from here on no connection is refused, though the event loop may accept it later.

    Raises:
        AddressUnavailable: Another process listens there.
    """
    try:
        sock.listen(room().backlog)
    except OSError as error:
        host, port, *_ = sock.getsockname()
        raise _unavailable(host, port, error) from error


def _unavailable(host: str, port: int, error: OSError) -> AddressUnavailable:
    problem = error.strerror or error
    return AddressUnavailable(f"{host}:{port}: {problem}; end what listens there or change PORT")
