"""A digit classifier with one hidden layer of 500 units, and the same network in 8 bits.

r2 is r1 quantised after training: a quarter of the size, the same inputs and outputs. Its scales
are fixed in the graph (static quantisation). Dynamic quantisation would take the scale of a whole
batch, so that an answer would depend on the requests that happen to share the batch.
"""

import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata
from sklearn.neural_network import MLPClassifier

from examples import golden
from examples.datasets import CLASSES, Array, Split
from examples.onnx_export import Port, Step, chain, dense, serialize
from examples.release import Release, accuracy

SEED = 7
HIDDEN_UNITS = 500
EPOCHS = 40
CALIBRATION_IMAGES = 200


class CalibrationImages(CalibrationDataReader):  # type: ignore[misc]  # untyped base
    """Training images, one batch, from which the quantiser learns the range of every tensor."""

    def __init__(self, images: Array) -> None:
        self._batches: Iterator[dict[str, Array]] = iter([{"image": images}])

    def get_next(self) -> dict[str, Array] | None:
        """The next batch by input name, or None at the end."""
        return next(self._batches, None)


def releases(data: Split, *, grey_levels: int) -> tuple[Release, ...]:
    """r1 and r2, trained on images whose pixels go from 0 to `grey_levels`."""
    data = _flat(data)
    graph = train(data, grey_levels=grey_levels)
    return (
        _release("r1", data, graph, golden.Tolerance(absolute=1e-4, relative=1e-3), "float32"),
        _release(
            "r2",
            data,
            quantise(graph, data.train_inputs[:CALIBRATION_IMAGES]),
            # A value that another CPU rounds to the next of 256 steps moves a probability so far.
            golden.Tolerance(absolute=0.02, relative=0.0),
            f"r1 quantised to int8 on {CALIBRATION_IMAGES} images",
        ),
    )


def train(data: Split, *, grey_levels: int) -> onnx.ModelProto:
    """The network, trained on flat images; the graph takes raw grey levels and scales them."""
    scale = np.array(1 / grey_levels, dtype=np.float32)
    network = MLPClassifier(hidden_layer_sizes=(HIDDEN_UNITS,), random_state=SEED)
    for _ in range(EPOCHS):
        network.partial_fit(
            data.train_inputs * scale, data.train_targets, classes=np.arange(CLASSES)
        )
    return chain(
        [
            Step("Mul", {"image.scale": scale}),
            dense(1, network.coefs_[0], network.intercepts_[0]),
            Step("Relu"),
            dense(2, network.coefs_[1], network.intercepts_[1]),
            Step("Softmax", attributes={"axis": 1}),
        ],
        source=Port("image", data.train_inputs.shape[1:]),
        result=Port("probabilities", (CLASSES,)),
        summary=f"Handwritten digit from grey levels 0 to {grey_levels}, {HIDDEN_UNITS} units",
    )


def quantise(graph: onnx.ModelProto, calibration_images: Array) -> onnx.ModelProto:
    """The graph with its dense layers in int8; inputs and outputs stay float32.

    Weights use 7 of the 8 bits: on CPUs without VNNI the sum of two products is kept in 16 bits and
    full-range weights overflow it.
    """
    with tempfile.TemporaryDirectory() as folder:
        floating, quantised = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        prepared = copy.deepcopy(graph)
        add_pre_process_metadata(prepared)  # nothing in a chain of dense layers is left to simplify
        onnx.save(prepared, floating)
        quantize_static(
            floating,
            quantised,
            CalibrationImages(calibration_images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Gemm"],
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=True,
        )
        return onnx.load(quantised)


def _flat(data: Split) -> Split:
    """The same data with every image as one row of pixels."""
    return Split(
        data.train_inputs.reshape(len(data.train_inputs), -1),
        data.train_targets,
        data.test_inputs.reshape(len(data.test_inputs), -1),
        data.test_targets,
    )


def _release(
    name: str, data: Split, graph: onnx.ModelProto, tolerance: golden.Tolerance, made: str
) -> Release:
    """Measure one graph on the held-out images."""
    probabilities = golden.run(serialize(graph), data.test_inputs)
    return Release(
        model="digits-mlp",
        name=name,
        graph=graph,
        trained_from=f"examples/digits_mlp.py seed {SEED}, {EPOCHS} epochs, {made}",
        data_sha256=data.sha256(),
        metrics={"accuracy": accuracy(probabilities, data.test_targets)},
        golden_inputs=(data.test_inputs[:1], data.test_inputs[1:5]),
        tolerance=tolerance,
    )
