"""The status page: rendered on the server, no build step, nothing from another host."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelctl.repo.git import Commit
from modelctl.status.values import EngineStatus, Health, encode

CurrentStatus = Callable[[], EngineStatus]
History = Callable[[str], Awaitable[tuple[Commit, ...]]]

_HERE = Path(__file__).parent
# A page of another site that has its name point to this machine must not read the status.
_HOSTS = ("127.0.0.1", "localhost")
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


class _SafeHeaders:
    """Middleware: what a browser may do with the pages, and that it must not keep them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_headers)


def application(current: CurrentStatus, history: History) -> Starlette:
    """The pages `/` and `/models/<name>`, and the same as JSON under `/status.json`."""
    templates = _templates()

    async def index(_: Request) -> Response:
        return HTMLResponse(templates.get_template("index.html").render(status=current()))

    async def model(request: Request) -> Response:
        status = current()
        found = status.model(request.path_params["name"])
        if found is None:
            page = templates.get_template("missing.html").render(status=status)
            return HTMLResponse(page, status_code=404)
        commits = await history(found.model)
        page = templates.get_template("model.html").render(
            status=status, model=found, commits=commits
        )
        return HTMLResponse(page)

    async def as_json(_: Request) -> Response:
        return Response(encode(current().to_json()), media_type="application/json")

    return Starlette(
        routes=[
            Route("/", index),
            Route("/models/{name}", model),
            Route("/status.json", as_json),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ],
        middleware=[
            Middleware(_SafeHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS), www_redirect=False),
        ],
    )


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: `modelctl up` has its own way to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: Starlette, listening: socket.socket) -> None:
    """Serve the application on a socket that listens already, until cancelled."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "ago": _ago,
        "percent": _percent,
        "milliseconds": _milliseconds,
        "clock": _clock,
        "healths": _healths,
    }
    return environment


def _ago(time: str) -> str:
    """How long ago an ISO 8601 time was, in the largest fitting unit."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()
    for unit_s, name in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)} {name} ago"
    return f"{max(0, int(seconds))} s ago"


def _percent(share: float | None, digits: int = 1) -> str:
    """A percentage from 0 to 100, or a dash without one."""
    return "–" if share is None else f"{share:.{digits}f} %"  # noqa: RUF001 - a dash is meant


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "–"  # noqa: RUF001 - a dash is meant
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"  # noqa: PLR2004


def _healths(status: EngineStatus) -> list[tuple[Health, int]]:
    """How many models there are in each state of health, the best first."""
    counted = Counter(model.health for model in status.models)
    return [(health, counted[health]) for health in Health if counted[health]]


def _clock(time: str) -> str:
    """The local time of day of an ISO 8601 time."""
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")
