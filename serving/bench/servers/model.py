"""The ONNX session, the same for every contestant that is not a server of its own."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnxruntime

Array = npt.NDArray[np.float32]


class Model:
    """ONNX Runtime with one thread."""

    def __init__(self, path: str) -> None:
        self._path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def __reduce__(self) -> tuple[type["Model"], tuple[str]]:
        """Opened anew by a worker process that is sent the model."""
        return Model, (self._path,)

    def run(self, rows: Array) -> Array:
        """``float32[n, classes]`` for ``float32[n, *input_shape]``."""
        (answer,) = self._session.run(["y"], {"x": rows})
        return np.asarray(answer, np.float32)

    def run_each(self, inputs: Sequence[Array]) -> list[Array]:
        """The answer to each of several requests, from one run over all their rows."""
        ends = np.cumsum([len(rows) for rows in inputs])[:-1]
        return np.split(self.run(np.concatenate(inputs)), ends)
