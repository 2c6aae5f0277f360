"""All that the server answers beside inference: server, model, health and metrics."""

from typing import Any

from fastapi import APIRouter, Request, Response

from modelserver.codec.wording import unknown
from modelserver.errors import UnknownModel, UnknownRelease
from modelserver.http import metadata, openapi
from modelserver.http.health import MEDIA_TYPE, Answer, Health
from modelserver.inference.lifecycle import Lifecycle
from modelserver.model.contract import Contract
from modelserver.observe import exposition
from modelserver.observe.metrics import CONTENT_TYPE, Metrics


class Routes:
    """The handlers of all routes, and what they report on."""

    def __init__(
        self,
        *,
        model: str,
        release: str,
        version: str,
        contract: Contract,
        lifecycle: Lifecycle,
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._model = model
        self._release = release
        self._version = version
        self._contract = contract
        self._lifecycle = lifecycle
        self._metrics = metrics
        self._health = health
        self._exposition = exposition.of(metrics)

    def router(self) -> APIRouter:
        """All routes, each under its path of the protocol."""
        router = APIRouter()
        unknown: dict[int | str, dict[str, Any]] = {404: openapi.ERROR}
        unready: dict[int | str, dict[str, Any]] = {503: {"model": metadata.Ready}}
        unloaded = unknown | {503: {"model": metadata.ModelReady}}
        router.get("/v2")(self.server)
        router.get("/v2/health/live", response_model=metadata.Live)(self.live)
        router.get("/v2/health/ready", responses=unready, response_model=metadata.Ready)(self.ready)
        router.get("/metrics", responses=openapi.METRICS, response_class=Response)(self.scrape)
        for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{release}"):
            router.get(path, responses=unknown)(self.model)
            router.get(f"{path}/ready", responses=unloaded, response_model=metadata.ModelReady)(
                self.model_ready
            )
            router.post(f"{path}/infer", responses=openapi.ANSWERS, openapi_extra=openapi.REQUEST)(
                self.infer
            )
        return router

    async def server(self) -> metadata.ServerMetadata:
        """Name, version and protocol extensions of this server."""
        return metadata.of_server(self._version)

    async def live(self) -> Response:
        """Whether the process answers at all: false only by not answering."""
        return _response(self._health.live())

    async def ready(self) -> Response:
        """Whether new requests are wanted: no while starting, draining, or after a failed start."""
        return _response(self._health.ready())

    async def model(self, request: Request) -> metadata.ModelMetadata:
        """Inputs, outputs and release of the model."""
        self._require(request)
        limits = self._metrics.limits
        return metadata.of_model(
            self._model, self._release, self._contract, self._lifecycle, limits
        )

    async def model_ready(self, request: Request) -> Response:
        """Whether the release is loaded, warmed up and replayed: once true, it stays true."""
        self._require(request)
        return _response(self._health.model_ready())

    async def infer(self, request: Request) -> Response:
        """Outputs of the model for one or more rows of input, as JSON or binary tensors.

        A request for the model that is served never comes here, see `connection`.
        """
        raise self._unknown(**request.path_params)

    async def scrape(self) -> Response:
        """Metrics in Prometheus' text format."""
        return Response(self._exposition(), media_type=CONTENT_TYPE)

    def _require(self, request: Request) -> None:
        named = request.path_params
        if named["name"] != self._model or named.get("release", self._release) != self._release:
            raise self._unknown(**named)

    def _unknown(self, name: str, release: str = "") -> UnknownModel | UnknownRelease:
        return unknown(name, release, served=(self._model, self._release))


def _response(answer: Answer) -> Response:
    return Response(answer.content, answer.status, dict(answer.headers), MEDIA_TYPE)
