"""The calls beside ModelInfer: what the server and the model say about themselves."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from types import MappingProxyType
from typing import Any

from modelserver import __version__
from modelserver.codec.wording import unknown
from modelserver.errors import BodyTooLarge, BodyTooSlow, Disconnected, InvalidRequest, RequestError
from modelserver.grpc import codes, frames
from modelserver.grpc.infer import METHOD, SERVICE
from modelserver.http import headers, metadata
from modelserver.http.asgi import ASGIApp, Receive, Scope, Send
from modelserver.http.status import STATUS
from modelserver.inference.lifecycle import Lifecycle
from modelserver.model.contract import Contract
from modelserver.observe.metrics import Metrics

HEALTH = "grpc.health.v1.Health"

_PREFIXES = (f"/{SERVICE}/", f"/{HEALTH}/")
_MAX_BODY_BYTES = 64 << 10  # of requests that hold a name or two
_PATIENCE_S = 10.0  # for such a body
_UNKNOWN = "unknown"  # stands in the metrics for every method that there is not

_Handler = Callable[[Any], dict[str, Any]]


class Methods:
    """Answers gRPC calls; `app` answers all else."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        model: str,
        release: str,
        contract: Contract,
        lifecycle: Lifecycle,
        metrics: Metrics,
    ) -> None:
        self._app = app
        self._model = model
        self._release = release
        self._contract = contract
        self._lifecycle = lifecycle
        self._metrics = metrics
        self._messages: Any = None
        self._handlers: MappingProxyType[str, tuple[str, _Handler]] = MappingProxyType(
            {
                f"/{SERVICE}/ServerLive": ("ServerLive", self._server_live),
                f"/{SERVICE}/ServerReady": ("ServerReady", self._server_ready),
                f"/{SERVICE}/ModelReady": ("ModelReady", self._model_ready),
                f"/{SERVICE}/ServerMetadata": ("ServerMetadata", self._server_metadata),
                f"/{SERVICE}/ModelMetadata": ("ModelMetadata", self._model_metadata),
                f"/{HEALTH}/Check": ("HealthCheck", self._check),
            }
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"].startswith(_PREFIXES)
        ):
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        name, handler = self._handlers.get(path, (_UNKNOWN, None))
        code, failed, body = codes.OK, b"", b""
        if handler is None:
            code = codes.UNIMPLEMENTED
            expected = ", ".join((METHOD, *(name for name, _ in self._handlers.values())))
            failed = codes.lines(code, f"method: found {path[:80]}, expected one of {expected}")
        else:
            try:
                body = await self._call(name, handler, await _read(receive))
            except Disconnected:
                return
            except RequestError as error:
                code = codes.CODES[STATUS[type(error)]]
                failed = codes.lines(code, str(error))
        self._metrics.grpc_calls[name, code] += 1
        request_id = headers.request_id(dict(scope["headers"]))
        lines = codes.head(len(body), request_id) + failed
        fields = headers.pairs(lines)
        start = {"type": "http.response.start", "status": codes.HTTP_STATUS, "headers": fields}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _call(self, name: str, handler: _Handler, body: bytes) -> bytes:
        message = frames.message(body)
        if self._messages is None:
            module = "modelserver.codec.protobuf.messages"
            self._messages = await asyncio.to_thread(import_module, module)
        try:
            request = getattr(self._messages, f"{name}Request").FromString(message)
        except self._messages.DecodeError as error:
            raise InvalidRequest("message", f"expected a protobuf message {name}Request") from error
        answer = getattr(self._messages, f"{name}Response")(**handler(request))
        content: bytes = answer.SerializeToString()
        return frames.head(len(content)) + content

    def _server_live(self, _request: Any) -> dict[str, Any]:  # noqa: ANN401 - a message
        return {"live": True}

    def _server_ready(self, _request: Any) -> dict[str, Any]:  # noqa: ANN401 - a message
        return {"ready": self._lifecycle.is_ready}

    def _model_ready(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - a message
        self._require(request.name, request.version)
        return {"ready": self._lifecycle.serving is not None}

    def _server_metadata(self, _request: Any) -> dict[str, Any]:  # noqa: ANN401 - a message
        return asdict(metadata.of_server(__version__))

    def _model_metadata(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - a message
        self._require(request.name, request.version)
        limits = self._metrics.limits
        found = metadata.of_model(
            self._model, self._release, self._contract, self._lifecycle, limits
        )
        fields = asdict(found)
        del fields["parameters"]
        return fields

    def _check(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - a message
        if request.service not in {"", self._model, SERVICE, HEALTH}:
            self._require(request.service, "")
        return {"status": "SERVING" if self._lifecycle.is_ready else "NOT_SERVING"}

    def _require(self, model: str, release: str) -> None:
        if model != self._model or (release and release != self._release):
            raise unknown(model, release, served=(self._model, self._release))


async def _read(receive: Receive) -> bytes:
    """The body of a call.

    Raises:
        BodyTooLarge: It is longer than any such call.
        BodyTooSlow: It does not come.
        Disconnected: The client went away.
    """
    body, more = b"", True
    while more:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                message = await receive()
        except TimeoutError as error:
            raise BodyTooSlow(f"body: expected some part every {_PATIENCE_S:g} s") from error
        if message["type"] == "http.disconnect":
            raise Disconnected("the client went away while it sent the body")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _MAX_BODY_BYTES:
            raise BodyTooLarge(f"body: found more than {_MAX_BODY_BYTES} bytes")
    return body
