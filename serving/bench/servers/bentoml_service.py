"""A BentoML service with adaptive batching."""

# The peer is not installed where types are checked.
# mypy: disable-error-code="import-not-found,untyped-decorator"

import bentoml
import numpy as np
import numpy.typing as npt

from serving.bench.servers import settings
from serving.bench.servers.model import Model


@bentoml.service(workers=settings.WORKERS)
class Predictor:
    """Serves the model; BentoML decodes, batches and encodes."""

    def __init__(self) -> None:
        self._model = Model(settings.PATH)

    @bentoml.api(batchable=True, max_batch_size=settings.MAX_BATCH)
    def predict(self, data: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Rows of output for rows of input."""
        return self._model.run(np.asarray(data, np.float32))
