"""One trained release of a sample, and the files that it becomes."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from examples import golden
from examples.datasets import Array
from examples.onnx_export import serialize

METRIC_DIGITS = 4


@dataclass(frozen=True)
class Release:
    """What a training script hands over.

    `golden_inputs` are batches of held-out inputs; `parameters` are saved as npz beside the graph
    when there are any.
    """

    model: str
    name: str
    graph: onnx.ModelProto
    trained_from: str
    data_sha256: str
    metrics: Mapping[str, float]
    golden_inputs: Sequence[Array]
    tolerance: golden.Tolerance
    parameters: Mapping[str, Array] = field(default_factory=dict)

    def files(self) -> dict[str, bytes]:
        """Content by path, relative to the artifacts' folder; same release, same bytes."""
        onnx_bytes = serialize(self.graph)
        stem = f"{self.model}/{self.name}"
        files = {
            f"{stem}.onnx": onnx_bytes,
            f"{stem}.golden.json": _json(
                golden.record(onnx_bytes, self.golden_inputs, self.tolerance), indent=None
            ),
            f"{stem}.provenance.json": _json(self.provenance(), indent=2),
        }
        if self.parameters:
            files[f"{stem}.npz"] = _npz(self.parameters)
        return files

    def provenance(self) -> dict[str, Any]:
        """Where the release comes from: script and seed, digest of its data, measured quality."""
        return {
            "trained_from": self.trained_from,
            "data_sha256": self.data_sha256,
            "metrics": {name: round(value, METRIC_DIGITS) for name, value in self.metrics.items()},
        }


def accuracy(probabilities: Array, labels: Array) -> float:
    """The share of rows, 0 to 1, whose most probable class is the label."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def root_mean_square_error(predicted: Array, actual: Array) -> float:
    """The typical distance between prediction and truth, in the unit of the target."""
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def _json(document: dict[str, Any], *, indent: int | None) -> bytes:
    """The document as UTF-8 JSON with a final newline."""
    return (json.dumps(document, indent=indent) + "\n").encode()


def _npz(arrays: Mapping[str, Array]) -> bytes:
    """The arrays as an npz file; NumPy gives every member the same fixed date."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
