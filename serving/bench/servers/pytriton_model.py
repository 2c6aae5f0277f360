"""A pytriton model behind the Triton server that comes with it."""

# The peer is not installed where types are checked.
# mypy: disable-error-code="import-not-found,untyped-decorator"

from functools import cache

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from serving.bench.servers import settings
from serving.bench.servers.model import Array, Model


@cache
def model() -> Model:
    """Triton runs `predict` in processes of its own: each opens its session once."""
    return Model(settings.PATH)


@batch
def predict(x: Array) -> dict[str, Array]:
    """Rows of output; Triton has put the rows of input together."""
    return {"y": model().run(x)}


def main() -> None:
    """Serve until a signal comes."""
    config = TritonConfig(
        http_address="127.0.0.1", http_port=settings.PORT, allow_grpc=False, allow_metrics=False
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name=settings.NAME,
            infer_func=[predict] * settings.WORKERS,
            inputs=[Tensor(name="x", dtype=np.float32, shape=settings.INPUT_SHAPE)],
            outputs=[Tensor(name="y", dtype=np.float32, shape=(settings.CLASSES,))],
            config=ModelConfig(
                max_batch_size=settings.MAX_BATCH,
                batcher=DynamicBatcher(max_queue_delay_microseconds=0),
            ),
        )
        triton.serve()


if __name__ == "__main__":
    main()
