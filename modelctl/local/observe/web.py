"""The status page: rendered on the server, no build step, nothing from another host."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelctl.local.observe.live import Live
from modelctl.local.observe.pages import Pages, Sources
from modelctl.status.values import encode

_HERE = Path(__file__).parent
# A page of another site that has its name point to this machine must not read the status.
_HOSTS = ("127.0.0.1", "localhost")
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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


def application(sources: Sources) -> Starlette:
    """The pages `/` and `/models/<name>`, their streams, and the status under `/status.json`."""
    pages = Pages(sources)
    live = Live(pages.live)

    async def index(request: Request) -> Response:
        return HTMLResponse(await pages.overview(asked=request.query_params.get("q", "")))

    async def model(request: Request) -> Response:
        page = await pages.model(request.path_params["name"])
        return HTMLResponse(page or await pages.missing(), 200 if page else 404)

    async def example(request: Request) -> Response:
        found = pages.example(request.path_params["name"])
        return Response(status_code=404) if found is None else _json(found)

    async def as_json(_: Request) -> Response:
        return _json(sources.status().to_json())

    async def stream(request: Request) -> Response:
        if live.full:
            return Response("too many pages are open: close some", 503, {"retry-after": "5"})
        events = live.stream(request.query_params.get("model", ""))
        return StreamingResponse(events, media_type="text/event-stream")

    routes = [
        Route("/", index),
        Route("/live", stream),
        Route("/models/{name}", model),
        Route("/models/{name}/example.json", example),
        Route("/status.json", as_json),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS), www_redirect=False)
    app = Starlette(routes=routes, middleware=[Middleware(_SafeHeaders), hosts])
    app.state.live = live
    return app


def _json(value: Mapping[str, object]) -> Response:
    return Response(encode(value), media_type="application/json")


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
        app.state.live.close()
        await serving
