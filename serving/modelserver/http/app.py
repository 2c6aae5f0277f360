"""The ASGI application, built from explicit parts."""

from dataclasses import dataclass

import msgspec

from modelserver.errors import RequestError
from modelserver.http.asgi import Receive, Scope, Send
from modelserver.http.dialect import REST, Dialect
from modelserver.http.request_id import RequestId
from modelserver.http.routes import Answer, Routes
from modelserver.http.status import STATUS
from modelserver.inference.shared import Inference
from modelserver.model.contract import Contract


def infer_paths(model: str, release: str) -> dict[str, Dialect]:
    """Where the model is asked in REST's way; a connection answers these itself."""
    paths = f"/v2/models/{model}/infer", f"/v2/models/{model}/versions/{release}/infer"
    return dict.fromkeys(paths, REST)


def create_app(*, model: str, release: str, contract: Contract, inference: Inference) -> RequestId:
    """The answers to all that a person or a probe asks."""
    routes = Routes(
        model=model,
        release=release,
        contract=contract,
        lifecycle=inference.lifecycle,
        metrics=inference.metrics,
    )
    return RequestId(App(routes))


@dataclass(frozen=True, slots=True)
class App:
    """ASGI in front of the routes."""

    routes: Routes

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer a request, whatever happens; what no request error explains is raised again."""
        try:
            answer = await self.routes.answer(scope["method"], scope["path"])
        except RequestError as error:
            answer = _error(STATUS[type(error)], str(error))
        except Exception:
            await _send(_error(500, "the server failed; its log says why"), send)
            raise
        await _send(answer, send)


def _error(status: int, message: str) -> Answer:
    return Answer(msgspec.json.encode({"error": message}), status)


async def _send(answer: Answer, send: Send) -> None:
    fields = (
        (b"content-length", b"%d" % len(answer.content)),
        (b"content-type", answer.content_type),
        *answer.fields,
    )
    await send({"type": "http.response.start", "status": answer.status, "headers": fields})
    await send({"type": "http.response.body", "body": answer.content})
