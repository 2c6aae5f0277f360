"""A real Envoy in front of a model server, configured as `modelctl up` does it."""

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from modelctl.gateway.values import RouteRule
from serving.bench.bridge import command
from serving.bench.contestant import free_ports
from waiting import until


@contextmanager
def envoy(
    folder: Path, server_port: int, published: Mapping[str, tuple[RouteRule, ...]]
) -> Iterator[int]:
    """The port at which an Envoy answers with these routes."""
    (port,) = free_ports(1)
    start = command(folder, port=port, server_port=server_port, published=published)
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(start, env=os.environ, stderr=log)
        try:
            until(lambda: process.poll() is not None or _listens(port), bool)
            assert process.poll() is None, (folder / "envoy.log").read_text()
            yield port
        finally:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with closing(socket.socket()) as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0
