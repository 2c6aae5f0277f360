"""All that the server answers beside inference: server, model, health and metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

import msgspec

from modelserver import __version__
from modelserver.codec.wording import unknown
from modelserver.errors import UnknownModel, UnknownRelease
from modelserver.http import metadata
from modelserver.http.status import RETRY_AFTER_S, UNAVAILABLE
from modelserver.inference.lifecycle import Lifecycle
from modelserver.model.contract import Contract
from modelserver.observe.metrics import CONTENT_TYPE, Metrics

_RETRY = ((b"retry-after", b"%d" % RETRY_AFTER_S),)
_NAMED_CHARACTERS = 200  # of a path, in an error

Named = Mapping[str, str]
"""The parts of a path that a client chose."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent for a request; `fields` are headers beside those of the content."""

    content: bytes
    status: int = HTTPStatus.OK
    content_type: bytes = b"application/json"
    fields: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path of which parts in braces are chosen by the client, and who answers."""

    method: str
    path: str
    handler: Callable[[Named], Awaitable[Answer]]

    def named(self, path: str) -> dict[str, str] | None:
        """What a client chose in a path, None where it is another one."""
        expected, found = self.path.split("/"), path.split("/")
        if len(expected) != len(found):
            return None
        chosen = {}
        for part, text in zip(expected, found, strict=True):
            if text and part[:1] == "{":
                chosen[part[1:-1]] = text
            elif part != text:
                return None
        return chosen


class Routes:
    """The handlers of all routes, and what they report on."""

    def __init__(
        self,
        *,
        model: str,
        release: str,
        contract: Contract,
        lifecycle: Lifecycle,
        metrics: Metrics,
    ) -> None:
        self._model = model
        self._release = release
        self._contract = contract
        self._lifecycle = lifecycle
        self._metrics = metrics
        self.table = (
            Route("GET", "/v2", self._server),
            Route("GET", "/v2/health/live", self._live),
            Route("GET", "/v2/health/ready", self._ready),
            Route("GET", "/metrics", self._scrape),
            Route("GET", "/v2/models/{name}", self._describe),
            Route("GET", "/v2/models/{name}/ready", self._model_ready),
            Route("POST", "/v2/models/{name}/infer", self._infer),
            Route("GET", "/v2/models/{name}/versions/{release}", self._describe),
            Route("GET", "/v2/models/{name}/versions/{release}/ready", self._model_ready),
            Route("POST", "/v2/models/{name}/versions/{release}/infer", self._infer),
            Route("GET", "/openapi.json", self._document),
            Route("GET", "/docs", self._page),
        )

    async def answer(self, method: str, path: str) -> Answer:
        """What is answered there.

        Raises:
            UnknownModel, UnknownRelease: The path names another than the one that is served.
        """
        for route in self.table:
            named = route.named(path)
            if named is None:
                continue
            if method == route.method:
                return await route.handler(named)
            message = f"method: found {method} for {path[:_NAMED_CHARACTERS]}"
            allowed = ((b"allow", route.method.encode()),)
            return _error(HTTPStatus.METHOD_NOT_ALLOWED, message, allowed)
        message = f"path: found {path[:_NAMED_CHARACTERS]}: Not Found"
        return _error(HTTPStatus.NOT_FOUND, message)

    async def _server(self, _named: Named) -> Answer:
        return _json(metadata.of_server(__version__))

    async def _live(self, _named: Named) -> Answer:
        return _json(metadata.Live())

    async def _ready(self, _named: Named) -> Answer:
        ready = metadata.of_readiness(self._lifecycle)
        return _json(ready, ready=ready.ready)

    async def _describe(self, named: Named) -> Answer:
        self._require(named)
        limits = self._metrics.limits
        return _json(
            metadata.of_model(self._model, self._release, self._contract, self._lifecycle, limits)
        )

    async def _model_ready(self, named: Named) -> Answer:
        self._require(named)
        ready = self._lifecycle.serving is not None
        error = None if ready else f"not loaded: {self._lifecycle.reason}"
        return _json(metadata.ModelReady(self._model, self._release, ready, error), ready=ready)

    async def _infer(self, named: Named) -> Answer:
        """A request for the model that is served never comes here, see `connection`."""
        raise self._unknown(**named)

    async def _scrape(self, _named: Named) -> Answer:
        text = await asyncio.to_thread(_exposition_of, self._metrics)
        return Answer(text(), content_type=CONTENT_TYPE.encode())

    async def _document(self, _named: Named) -> Answer:
        served = self._model, self._release, self._contract
        return Answer(await asyncio.to_thread(_document_of, *served))

    async def _page(self, _named: Named) -> Answer:
        from modelserver.http import page  # noqa: PLC0415 - for a person who asks, not for a start

        return Answer(page.HTML, content_type=b"text/html; charset=utf-8")

    def _require(self, named: Named) -> None:
        if named["name"] != self._model or named.get("release", self._release) != self._release:
            raise self._unknown(**named)

    def _unknown(self, name: str, release: str = "") -> UnknownModel | UnknownRelease:
        return unknown(name, release, served=(self._model, self._release))


def _json(body: msgspec.Struct, *, ready: bool = True) -> Answer:
    content = msgspec.json.encode(body)
    return Answer(content) if ready else Answer(content, UNAVAILABLE, fields=_RETRY)


def _error(status: int, message: str, fields: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(msgspec.json.encode({"error": message}), status, fields=fields)


def _exposition_of(metrics: Metrics) -> Callable[[], bytes]:
    """What writes the metrics; the client library is imported by the first who asks."""
    from modelserver.observe import exposition  # noqa: PLC0415 - a start needs none

    return exposition.of(metrics)


@cache
def _document_of(model: str, release: str, contract: Contract) -> bytes:
    """The OpenAPI document, made for the first who asks."""
    from modelserver.http import openapi  # noqa: PLC0415 - a start needs none

    return msgspec.json.encode(openapi.document(model, release, contract))
