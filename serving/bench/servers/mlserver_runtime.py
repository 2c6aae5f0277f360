"""A custom runtime for MLServer, which has none for ONNX of its own."""

# The peer is not installed where types are checked.
# mypy: disable-error-code="import-not-found,misc"

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from serving.bench.servers import settings
from serving.bench.servers.model import Model


class OnnxRuntime(MLModel):
    """Serves the model; MLServer decodes, batches and encodes."""

    async def load(self) -> bool:
        """Open the session."""
        self._model = Model(settings.PATH)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One request, or several that MLServer has put together."""
        answer = self._model.run(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(
            model_name=self.name, outputs=[NumpyCodec.encode_output("y", answer)]
        )
