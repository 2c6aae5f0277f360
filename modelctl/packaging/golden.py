"""The golden file of a model: rows with what it made of them, replayed before a server is ready."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.model.tensors import Graph, TensorSpec
from modelctl.packaging import arrays, parity
from modelctl.packaging.arrays import Arrays

ROWS = 16
_STEPS = 0.02  # of an 8-bit model's answers: another CPU rounds to the next of its 256 steps


def document(graph: Graph, rows: Arrays, outputs: Arrays, *, is_quantised: bool) -> bytes:
    """The file, with one case of the rows; each number is the shortest that reads back the same."""
    inputs = [_tensor(spec, rows[spec.name]) for spec in graph.inputs]
    answers = [_tensor(spec, outputs[spec.name]) for spec in graph.outputs]
    absolute = _spread(outputs) * _STEPS if is_quantised else parity.ABSOLUTE
    tolerance = {"absolute": max(absolute, parity.ABSOLUTE), "relative": parity.RELATIVE}
    case = {"inputs": inputs, "outputs": answers}
    return json.dumps({"tolerance": tolerance, "cases": [case]}).encode() + b"\n"


def chosen(rows: Arrays, outputs: Arrays, size: int | None) -> tuple[Arrays, Arrays]:
    """The rows that the file has: the first with finite answers, or one batch of a fixed size."""
    if size is not None:
        return arrays.first(rows, size), arrays.first(outputs, size)
    finite = np.ones(arrays.count(rows), np.bool_)
    for each in (*rows.values(), *outputs.values()):
        if each.dtype.kind == "f":
            finite &= np.isfinite(each.reshape(len(each), -1)).all(axis=1)
    kept = np.flatnonzero(finite)[:ROWS]
    return _taken(rows, kept), _taken(outputs, kept)


def _taken(values: Arrays, kept: NDArray[np.intp]) -> Arrays:
    return {name: each[kept] for name, each in values.items()}


def _spread(outputs: Arrays) -> float:
    spreads = [float(np.ptp(each)) for each in outputs.values() if each.dtype.kind == "f"]
    return max(spreads, default=0.0)


def _tensor(spec: TensorSpec, values: NDArray[Any]) -> dict[str, object]:
    """A tensor of the Open Inference Protocol."""
    return {
        "name": spec.name,
        "datatype": spec.datatype,
        "shape": list(values.shape),
        "data": [_element(each) for each in values.ravel()],
    }


def _element(value: Any) -> object:  # noqa: ANN401 - of any element type
    if isinstance(value, np.floating):
        return float(str(value))
    return value.item() if isinstance(value, np.generic) else value
