"""The HTTP server of this process, which is uvicorn's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from uvicorn.config import Config
from uvicorn.server import Server

from modelserver.http.asgi import ASGIApp
from modelserver.http.connection import Connection
from modelserver.http.crowd import Crowd, room
from modelserver.http.dialect import Dialect
from modelserver.http.listeners import Listeners
from modelserver.inference.shared import Inference

KEEP_ALIVE_S = 3660
"""How long an idle connection stays open: longer than Envoy keeps it, which is an hour.

Where the server closed first, a request that Envoy sends at that moment would fail.
"""

RELEASE_HEADER = "x-model-release"
"""Names the release that gave an answer; in a request, the release that is wanted."""


class HttpServer(Server):
    """uvicorn's server; the process decides when it ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield


def server(
    app: ASGIApp,
    inference: Inference,
    paths: Mapping[str, Dialect],
    *,
    release: str,
    listeners: Listeners,
) -> HttpServer:
    """An HTTP server, not yet serving: inference at `paths`, and the application for all else.

    What comes in by the port for copies is a copy of a request.
    """
    crowd = Crowd(room(), inference.metrics)
    served = {
        "inference": inference,
        "paths": {path.encode(): dialect for path, dialect in paths.items()},
        "crowd": crowd,
        "listeners": listeners,
    }
    config: dict[str, Any] = {
        "http": type("Served", (Connection,), served),
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "headers": [(RELEASE_HEADER, release)],
        "timeout_keep_alive": KEEP_ALIVE_S,
        "backlog": crowd.room.backlog,
    }
    return HttpServer(Config(app, **config))
