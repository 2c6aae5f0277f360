"""The inference endpoint as a plain ASGI callable in front of the application.

FastAPI's routing would cost half the throughput of a small model, so this callable takes the one
hot path before it and hands everything else on. Most requests do not even come here, see
`http.connection`.
"""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from modelserver.codec.calls import Answer
from modelserver.errors import Disconnected, RequestError
from modelserver.http import headers
from modelserver.http.body import read_body
from modelserver.http.status import STATUS
from modelserver.inference.exchange import Exchange, Inference


class InferEndpoint:
    """Answers ``POST /v2/models/MODEL[/versions/RELEASE]/infer``; `app` answers all else."""

    def __init__(self, app: ASGIApp, inference: Inference) -> None:
        self._app = app
        self._inference = inference

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        inference = self._inference
        if (
            scope["type"] != "http"
            or scope["path"] not in inference.paths
            or (scope["method"] != "POST")
        ):
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"])
        answered: asyncio.Future[tuple[int, Answer]] = asyncio.get_running_loop().create_future()
        exchange = Exchange(inference, given, lambda *answer: answered.set_result(answer))
        if exchange.admit():
            try:
                body = await read_body(given, receive, exchange, inference.limits.body_bytes)
            except RequestError as error:
                exchange.fail(error)
            else:
                exchange.run(body)
        watch = asyncio.create_task(_watch(receive, exchange))
        status, answer = await answered
        watch.cancel()
        if status == STATUS[Disconnected]:
            return
        lines = headers.of_answer(
            status,
            answer,
            request_id=exchange.request_id,
            closing=inference.closing,
            traceresponse=exchange.traceresponse,
        )
        fields = headers.pairs(lines)
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": answer.body})


async def _watch(receive: Receive, exchange: Exchange) -> None:
    """Tell a request that waits to run that its client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    exchange.cancelled = True
