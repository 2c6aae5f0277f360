"""Golden cases: real inputs with the outputs that ONNX Runtime gave when the release was made.

The model server replays them before it calls itself ready, so a release that computes something
else on the target machine never takes traffic.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnxruntime

from examples.datasets import Array


@dataclass(frozen=True)
class Tolerance:
    """How far an answer may be off: `absolute + relative * |expected|`, element by element."""

    absolute: float
    relative: float


def run(model: bytes, inputs: Array) -> Array:
    """The single output of a single-input model for a batch, by ONNX Runtime on one CPU thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {session.get_inputs()[0].name: inputs})
    return np.asarray(result, dtype=np.float32)


def record(model: bytes, batches: Sequence[Array], tolerance: Tolerance) -> dict[str, Any]:
    """The golden document of a model: one case a batch, tensors in Open Inference Protocol V2."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    source, result = session.get_inputs()[0].name, session.get_outputs()[0].name
    cases = [
        {"inputs": [_tensor(source, batch)], "outputs": [_tensor(result, run(model, batch))]}
        for batch in batches
    ]
    return {"tolerance": asdict(tolerance), "cases": cases}


def array(tensor: dict[str, Any]) -> Array:
    """The values of an FP32 tensor of a golden case."""
    return np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])


def _tensor(name: str, values: Array) -> dict[str, Any]:
    """A V2 JSON tensor; each number is the shortest that reads back as the same float32."""
    data = [float(str(value)) for value in values.ravel()]
    return {"name": name, "datatype": "FP32", "shape": list(values.shape), "data": data}
