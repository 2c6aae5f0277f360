"""The sockets at which this process listens: for requests, and perhaps for copies of requests."""

import socket

from modelserver.errors import AddressUnavailable
from modelserver.http.crowd import room

ANY_HOST = "::"
"""Every address of the machine, in both families; where it has no IPv6, those of IPv4."""

_ANY_IPV4 = "0.0.0.0"  # noqa: S104 - a pod is reached from outside


class Listeners:
    """Two ports at most; what comes in by the second is a copy, whatever its headers say."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self._mirror_port: int | None = None

    def bind(self, host: str, port: int, mirror_port: int | None, *, shared: bool) -> None:
        """Take the ports, without listening yet; see the function `bind`.

        Raises:
            AddressUnavailable: An address cannot be bound.
        """
        self.sockets = [bind(host, port, shared=shared)]
        if mirror_port is not None:
            mirror = bind(host, mirror_port, shared=shared)
            self.sockets.append(mirror)
            self._mirror_port = mirror.getsockname()[1]

    def accept(self) -> dict[str, str | int]:
        """Listen: from here on no connection is refused, though it may be accepted later.

        Gives the address, as fields of a log line.

        Raises:
            AddressUnavailable: Another process listens there.
        """
        for sock in self.sockets:
            try:
                sock.listen(room().backlog)
            except OSError as error:
                host, port, *_ = sock.getsockname()
                raise _unavailable(host, port, error) from error
        host, port, *_ = self.sockets[0].getsockname()
        mirror = {} if self._mirror_port is None else {"mirror_port": self._mirror_port}
        return {"host": host, "port": port, **mirror}

    def brings_copies(self, port: int | None) -> bool:
        """Whether what comes in by a port is a copy."""
        return port is not None and port == self._mirror_port


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


def _unavailable(host: str, port: int, error: OSError) -> AddressUnavailable:
    problem = error.strerror or error
    return AddressUnavailable(f"{host}:{port}: {problem}; end what listens there or change PORT")
