"""The inference endpoint as a plain ASGI callable in front of the application.

FastAPI's routing would cost half the throughput of a small model, so this callable takes the one
hot path before it and hands everything else on. Most requests do not even come here, see
`connection`.
"""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from modelserver.errors import Disconnected, RequestError
from modelserver.http import headers
from modelserver.http.body import read_body
from modelserver.http.dialect import Dialect
from modelserver.http.reply import Reply, conclude
from modelserver.http.status import STATUS
from modelserver.inference.exchange import Exchange, Inference, Result


class InferEndpoint:
    """Answers inference requests at `paths`, each in its dialect; `app` answers all else."""

    def __init__(self, app: ASGIApp, inference: Inference, paths: Mapping[str, Dialect]) -> None:
        self._app = app
        self.inference = inference
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["path"] in self.paths and scope["method"] == "POST":
            dialect = self.paths[scope["path"]]
            await self._answer(dialect, dict(scope["headers"]), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(
        self, dialect: Dialect, given: headers.Given, receive: Receive, send: Send
    ) -> None:
        inference = self.inference
        replied: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def reply(exchange: Exchange, result: Result) -> None:
            replied.set_result(conclude(inference, exchange, given, result, dialect))

        role, request_id = headers.role(given), headers.request_id(given)
        exchange = Exchange(inference, role, request_id, reply)
        if exchange.admit():
            try:
                terms = dialect.terms(given)
                body = await read_body(given, receive, exchange, inference.limits.body_bytes)
            except RequestError as error:
                exchange.fail(error)
            else:
                exchange.run(body, terms)
        watch = asyncio.create_task(_watch(receive, exchange))
        status, answer, traceresponse = await replied
        watch.cancel()
        if status == STATUS[Disconnected]:
            return
        status, lines = dialect.head(
            status,
            answer,
            request_id=request_id,
            closing=inference.lifecycle.is_draining,
            traceresponse=traceresponse,
        )
        fields = headers.pairs(lines)
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": answer.body})


async def _watch(receive: Receive, exchange: Exchange) -> None:
    """Tell a request that waits to run that its client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    exchange.cancelled = True
