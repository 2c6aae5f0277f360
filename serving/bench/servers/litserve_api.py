"""A LitServe API with batching."""

# The peer is not installed where types are checked.
# mypy: disable-error-code="import-not-found,misc"

from typing import Any

import litserve
import numpy as np

from serving.bench.servers import settings
from serving.bench.servers.model import Array, Model


class Predictor(litserve.LitAPI):
    """Serves the model; LitServe batches the decoded requests."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Open the session in a worker."""
        self._model = Model(settings.PATH)

    def decode_request(self, request: dict[str, Any]) -> Array:
        """Rows of one request."""
        return np.asarray(request["data"], np.float32)

    def batch(self, inputs: list[Array]) -> list[Array]:
        """Requests may differ in rows: `predict` puts them together."""
        return inputs

    def predict(self, x: list[Array]) -> list[Array]:
        """Rows of output, request by request."""
        return self._model.run_each(x)

    def unbatch(self, output: list[Array]) -> list[Array]:
        """`predict` has already taken the batch apart."""
        return output

    def encode_response(self, output: Array) -> dict[str, Any]:
        """Nested lists."""
        return {"outputs": output.tolist()}


if __name__ == "__main__":
    litserve.LitServer(
        Predictor(max_batch_size=settings.MAX_BATCH, batch_timeout=settings.BATCH_WAIT_S),
        accelerator="cpu",
        workers_per_device=settings.WORKERS,
    ).run(host="127.0.0.1", port=settings.PORT, generate_client_file=False, log_level="warning")
