"""A Ray Serve deployment with `serve.batch`."""

# The peer is not installed where types are checked.
# mypy: disable-error-code="import-not-found,untyped-decorator,attr-defined"

import signal
from typing import Any

import numpy as np
import ray
from ray import serve
from starlette.requests import Request

from serving.bench.servers import settings
from serving.bench.servers.model import Array, Model


@serve.deployment(num_replicas=settings.WORKERS, ray_actor_options={"num_cpus": 1})
class Predictor:
    """Serves the model; Ray Serve routes and batches."""

    def __init__(self) -> None:
        self._model = Model(settings.PATH)

    @serve.batch(max_batch_size=settings.MAX_BATCH, batch_wait_timeout_s=settings.BATCH_WAIT_S)
    async def predict(self, inputs: list[Array]) -> list[Array]:
        """Rows of output, request by request."""
        return self._model.run_each(inputs)

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Rows of output as nested lists."""
        rows = np.asarray((await request.json())["data"], np.float32)
        return {"outputs": (await self.predict(rows)).tolist()}


def main() -> None:
    """Serve until a signal comes."""
    signals = {signal.SIGTERM, signal.SIGINT}
    ray.init(num_cpus=settings.WORKERS + 1, include_dashboard=False)
    serve.start(http_options={"host": "127.0.0.1", "port": settings.PORT})
    serve.run(Predictor.bind())
    signal.sigwait(signals)
    serve.shutdown()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
