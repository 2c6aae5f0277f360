"""Whether the server and its model are well: answers that are ready before the framework is.

The kubelet asks for them from the first moment on and all the time, so that they are given without
the application. Its routes give the same, see `routes`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

import msgspec

from modelserver.http import metadata
from modelserver.http.asgi import ASGIApp, Receive, Scope, Send
from modelserver.http.status import RETRY_AFTER_S, UNAVAILABLE
from modelserver.inference.lifecycle import Lifecycle

MEDIA_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered in JSON; `headers` stand before those of the content."""

    content: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send) -> None:
        """ASGI, with the headers in the order of the framework."""
        fields = [(name.lower().encode(), text.encode()) for name, text in self.headers.items()]
        fields.append((b"content-length", b"%d" % len(self.content)))
        fields.append((b"content-type", MEDIA_TYPE.encode()))
        start = {"type": "http.response.start", "status": self.status, "headers": fields}
        await send(start)
        await send({"type": "http.response.body", "body": self.content})


class Health:
    """What is answered to each question for health."""

    def __init__(self, *, model: str, release: str, lifecycle: Lifecycle) -> None:
        self._model = model
        self._release = release
        self._lifecycle = lifecycle

    def live(self) -> Answer:
        """Whether the process answers at all: false only by not answering."""
        return _answer(metadata.Live(), well=True)

    def ready(self) -> Answer:
        """Whether new requests are wanted."""
        ready = metadata.of_readiness(self._lifecycle)
        return _answer(ready, well=ready.ready)

    def model_ready(self) -> Answer:
        """Whether the release is loaded, warmed up and replayed."""
        ready = metadata.of_model_readiness(self._model, self._release, self._lifecycle)
        return _answer(ready, well=ready.ready)

    def paths(self) -> Mapping[str, Callable[[], Answer]]:
        """Where each is asked for; of models, the one that is served."""
        model = f"/v2/models/{self._model}"
        return {
            "/v2/health/live": self.live,
            "/v2/health/ready": self.ready,
            f"{model}/ready": self.model_ready,
            f"{model}/versions/{self._release}/ready": self.model_ready,
        }


class Probes:
    """Answers questions for health; `app` answers all else."""

    def __init__(self, health: Health, app: ASGIApp) -> None:
        self._paths = health.paths()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        ask = self._paths.get(scope["path"]) if scope.get("method") == "GET" else None
        if ask is None:
            await self._app(scope, receive, send)
        else:
            await ask().send(send)


def _answer(said: metadata.Live | metadata.Ready | metadata.ModelReady, *, well: bool) -> Answer:
    fields = {name: value for name, value in asdict(said).items() if value is not None}
    content = msgspec.json.encode(fields)
    if well:
        return Answer(content)
    return Answer(content, UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_S)})
