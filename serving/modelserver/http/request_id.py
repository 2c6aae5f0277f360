"""The request's id in every answer of the application behind the inference endpoint."""

from modelserver.http import headers
from modelserver.http.asgi import ASGIApp, Message, Receive, Scope, Send


class RequestId:
    """Adds `x-request-id` to each answer of `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = headers.request_id(dict(scope["headers"]))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        await self._app(scope, receive, send_with_id)
