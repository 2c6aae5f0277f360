"""Free ports for servers, outside those that the system gives to callers.

A port from the system's own range may become the local end of somebody's connection between the
moment it was found free and the moment the server wants it. Outside that range only another server
can take it; a server that finds its port taken is started again with another one.
"""

import random
import re
import socket
from functools import cache
from pathlib import Path

_CALLERS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 15_000  # well-known services listen below
_ENOUGH = 2_000  # ports below the callers' range, else any port has to do
_TRIES = 50


def free_port(*, other_than: int = 0) -> int:
    """A port of the loopback interface that nothing listens on now."""
    below = _callers_begin()
    if below - _LOWEST >= _ENOUGH:
        for _ in range(_TRIES):
            port = random.randrange(_LOWEST, below)  # noqa: S311 - no secret
            if port != other_than and _bound(port):
                return port
    port = _bound(0)
    return port if port != other_than else free_port(other_than=other_than)


def _bound(port: int) -> int:
    """The port, if it can be bound now, else 0; for 0 any free one."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            if not port:
                raise
            return 0
        found: int = probe.getsockname()[1]
        return found


@cache
def _callers_begin() -> int:
    """The first port that the system gives to callers; 0 where it does not say."""
    try:
        found = re.match(r"(\d+)", _CALLERS.read_text(encoding="ascii"))
    except OSError:
        return 0
    return int(found[1]) if found else 0
