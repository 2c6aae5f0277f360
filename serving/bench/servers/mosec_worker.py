"""A mosec worker with dynamic batching."""

# The peer is not installed where types are checked.
# mypy: disable-error-code="import-not-found,misc"

from typing import Any

import numpy as np
from mosec import Server, Worker

from serving.bench.servers import settings
from serving.bench.servers.model import Model


class Predictor(Worker):
    """Serves the model; mosec's Rust front end decodes nothing and batches."""

    def __init__(self) -> None:
        super().__init__()
        self._model = Model(settings.PATH)

    def forward(self, data: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer for each request."""
        inputs = [np.asarray(request["data"], np.float32) for request in data]
        return [{"outputs": answer.tolist()} for answer in self._model.run_each(inputs)]


if __name__ == "__main__":
    server = Server()
    server.append_worker(
        Predictor,
        num=settings.WORKERS,
        max_batch_size=settings.MAX_BATCH,
        max_wait_time=round(settings.BATCH_WAIT_S * 1000),
    )
    server.run()
