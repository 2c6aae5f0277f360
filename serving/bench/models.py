"""The three models of the benchmark, made here from fixed seeds: nothing is downloaded.

Every model maps ``x: FP32[batch, ...]`` to ``y: FP32[batch, classes]``, batch of any size.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float32]

INPUT, OUTPUT = "x", "y"
OPSET = 17
IR_VERSION = 8  # the one that came with opset 17
SEED = 20_240_501
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels and stride of ResNet-18's four stages
RESIDUAL_GAIN = 0.2  # keeps activations near 1 without normalisation layers


@dataclass(frozen=True)
class BenchModel:
    """One model, and what is sent to it.

    `checks` distinct inputs are compared with ONNX Runtime before anything is measured. A slow
    model needs longer to answer often: its cells last `cell_factor` times as long as asked.
    """

    name: str
    title: str
    input_shape: tuple[int, ...]
    classes: int
    build: Callable[["Graph"], None]
    checks: int
    cell_factor: float = 1
    encodings: tuple[str, ...] = ("json",)

    def sample(self, count: int) -> Array:
        """The same `float32[count, *input_shape]` every time."""
        random = np.random.default_rng(SEED)
        return random.normal(size=(count, *self.input_shape)).astype(np.float32)


@dataclass(frozen=True)
class ModelFile:
    """A model as a file, with what the model server asks to know of it."""

    model: BenchModel
    path: Path
    sha256: str
    size_bytes: int

    @property
    def contract(self) -> str:
        """The promised inputs and outputs as JSON; -1 is the batch dimension."""
        return json.dumps(
            {
                "inputs": [_port(INPUT, self.model.input_shape)],
                "outputs": [_port(OUTPUT, (self.model.classes,))],
            }
        )


class Graph:
    """Collects nodes and weights; each step continues from the result of the step before it."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.last = INPUT

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - as helper.make_node
        """Append one operator on `inputs`; the name of its result."""
        self.last = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [self.last], **attributes))
        return self.last

    def dense(self, inputs: int, outputs: int) -> str:
        """A fully connected layer."""
        return self.add("Gemm", self.last, *self._weights((inputs, outputs), inputs, gain=1))

    def convolution(
        self, source: str, shape: tuple[int, int, int], *, stride: int = 1, gain: float = 1
    ) -> str:
        """A convolution of `shape` (channels in, channels out, kernel), padded to keep the size."""
        channels, filters, kernel = shape
        weights = self._weights(
            (filters, channels, kernel, kernel), channels * kernel**2, gain=gain, outputs=filters
        )
        pads = [kernel // 2] * 4
        return self.add("Conv", source, *weights, strides=[stride] * 2, pads=pads)

    def _weights(
        self, shape: tuple[int, ...], fan_in: int, *, gain: float, outputs: int | None = None
    ) -> tuple[str, str]:
        """Names of He-initialised weights and a zero bias."""
        drawn = self._random.normal(scale=gain * np.sqrt(2 / fan_in), size=shape)
        bias = np.zeros(outputs or shape[-1])
        names = f"weights_{len(self.weights)}", f"bias_{len(self.weights)}"
        for name, value in zip(names, (drawn, bias), strict=True):
            self.weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return names


def perceptron(graph: Graph, *sizes: int) -> None:
    """Fully connected layers of these sizes with ReLU between them."""
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        if layer:
            graph.add("Relu", graph.last)
        graph.dense(inputs, outputs)


def residual(graph: Graph) -> None:
    """ResNet-18's layout for 3x224x224 images, with the normalisation folded away."""
    graph.convolution(INPUT, (3, 64, 7), stride=2)
    graph.add("Relu", graph.last)
    graph.add("MaxPool", graph.last, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for filters, stride in STAGES:
        _block(graph, channels, filters, stride)
        _block(graph, filters, filters, 1)
        channels = filters
    graph.add("GlobalAveragePool", graph.last)
    graph.add("Flatten", graph.last, axis=1)
    graph.dense(channels, 1000)


def _block(graph: Graph, channels: int, filters: int, stride: int) -> None:
    """Two 3x3 convolutions, and around them a shortcut."""
    source = graph.last
    inner = graph.convolution(source, (channels, filters, 3), stride=stride)
    inner = graph.add("Relu", inner)
    inner = graph.convolution(inner, (filters, filters, 3), gain=RESIDUAL_GAIN)
    if channels != filters:
        source = graph.convolution(source, (channels, filters, 1), stride=stride)
    graph.add("Relu", graph.add("Add", inner, source))


MODELS = (
    BenchModel(
        name="tiny",
        title="MLP 4-16-3",
        input_shape=(4,),
        classes=3,
        build=lambda graph: perceptron(graph, 4, 16, 3),
        checks=64,
    ),
    BenchModel(
        name="wide",
        title="MLP 784-512-10",
        input_shape=(784,),
        classes=10,
        build=lambda graph: perceptron(graph, 784, 512, 10),
        checks=64,
    ),
    BenchModel(
        name="conv",
        title="conv net 3x224x224, the size of ResNet-18",
        input_shape=(3, 224, 224),
        classes=1000,
        build=residual,
        checks=4,
        cell_factor=4,
        encodings=("json", "binary"),
    ),
)


def proto(model: BenchModel) -> onnx.ModelProto:
    """The checked ONNX model; the same seed gives the same bytes."""
    graph = Graph(SEED)
    model.build(graph)
    graph.nodes[-1].output[0] = OUTPUT
    made = helper.make_model(
        helper.make_graph(
            graph.nodes,
            model.name,
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", *model.input_shape])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", model.classes])],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def write(model: BenchModel, folder: Path) -> ModelFile:
    """The model as ``<folder>/<name>.onnx``."""
    content = proto(model).SerializeToString(deterministic=True)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{model.name}.onnx"
    path.write_bytes(content)
    return ModelFile(model, path.resolve(), hashlib.sha256(content).hexdigest(), len(content))


def _port(name: str, shape: tuple[int, ...]) -> dict[str, object]:
    return {"name": name, "datatype": "FP32", "shape": [-1, *shape]}
