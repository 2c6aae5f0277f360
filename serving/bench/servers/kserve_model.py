"""A custom model for the KServe SDK."""

# The peer is not installed where types are checked.
# mypy: disable-error-code="import-not-found,misc"

import uuid

import kserve
from kserve import InferOutput, InferRequest, InferResponse, ModelServer

from serving.bench.servers import settings
from serving.bench.servers.model import Model


class OnnxModel(kserve.Model):
    """Serves the model; the SDK decodes and encodes."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._model = Model(settings.PATH)
        self.ready = True

    async def predict(
        self,
        payload: InferRequest,
        headers: dict[str, str] | None = None,  # noqa: ARG002 - the SDK's signature
    ) -> InferResponse:
        """Answer in the encoding of the request; the SDK wants an id in every answer."""
        binary = payload.use_binary_outputs
        answer = self._model.run(payload.inputs[0].as_numpy())
        output = InferOutput("y", list(answer.shape), "FP32")
        output.set_data_from_numpy(answer, binary_data=binary)
        return InferResponse(
            payload.id or uuid.uuid4().hex, self.name, [output], use_binary_outputs=binary
        )


if __name__ == "__main__":
    ModelServer(http_port=settings.PORT, enable_grpc=False, workers=settings.WORKERS).start(
        [OnnxModel(settings.NAME)]
    )
