"""Small models with input that they run on: the standard's node tests, and what those leave out."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from onnx_models import FLOAT, node, value
from tests.serving.model.graph.standard import node_tests

Proto = Any  # protobuf messages carry no types here
Feeds = Mapping[str, Any]

# The newest versions that the oldest pinned ONNX Runtime takes: cases of newer ones are lowered.
_OPSET, _IR = 26, 10

_ML = "ai.onnx.ml"


@dataclass(frozen=True, slots=True)
class Case:
    """A model, whose inputs may have any shape, and input that it runs on."""

    name: str
    model: Proto
    feeds: Feeds

    @property
    def operators(self) -> frozenset[tuple[str, str]]:
        """Domain and name of every operator in it."""
        return frozenset(_operators(self.model.graph))


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case; operators that the standard writes out as others are not tried as those."""
    standard = (_standard(each) for each in node_tests() if "_expanded" not in each.name)
    fused = tuple(_fused())
    written = (case for each in fused for case in _as_fused(each))
    return (*(case for case in standard if case), *_learned(), *fused, *written, *_others())


def distinct_cases() -> tuple[Case, ...]:
    """Of cases that differ in types, sizes and values alone, the first."""
    first: dict[object, Case] = {}
    for case in all_cases():
        ranks = [np.ndim(each) for each in case.feeds.values() if isinstance(each, np.ndarray)]
        first.setdefault((*map(_kind, case.model.graph.node), *ranks), case)
    return tuple(first.values())


def _kind(each: Proto) -> object:
    attributes = sorted(attribute.name for attribute in each.attribute)
    return each.domain, each.op_type, *attributes, *map(bool, each.input), len(each.output)


def lowered(case: Case) -> Iterator[Case]:
    """The case as every older version of its operators, where that changed."""
    versions = {each.domain: each.version for each in case.model.opset_import}
    since = {
        (schema.domain, schema.since_version)
        for schema in onnx.defs.get_all_schemas_with_history()
        if (schema.domain, schema.name) in case.operators
        and schema.since_version < versions.get(schema.domain, 0)
    }
    for domain, version in sorted(since):
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        for each in model.opset_import:
            if each.domain == domain:
                each.version = version
        yield Case(f"{case.name} at {domain or 'ai.onnx'} {version}", model, case.feeds)


def _operators(graph: Proto) -> Iterator[tuple[str, str]]:
    for each in graph.node:
        yield "" if each.domain == "ai.onnx" else each.domain, each.op_type
        for attribute in each.attribute:
            if attribute.HasField("g"):
                yield from _operators(attribute.g)


def _standard(test: Any) -> Case | None:  # noqa: ANN401 - ONNX has no types
    given = test.data_sets[0][0]
    model = onnx.ModelProto()
    model.CopyFrom(test.model)
    model.ir_version = min(model.ir_version, _IR)
    for opset in model.opset_import:
        if opset.domain in {"", "ai.onnx"}:
            opset.version = min(opset.version, _OPSET)
    if any(array is None for array in given):
        return None  # an optional that is left out
    feeds = {value.name: _fed(each) for value, each in zip(model.graph.input, given, strict=False)}
    return Case(test.name, _opened(model), feeds)


def _fed(array: Any) -> Any:  # noqa: ANN401 - an array, a list of arrays or a tensor of ONNX
    if isinstance(array, onnx.TensorProto):
        return numpy_helper.to_array(array)
    return np.asarray(array) if isinstance(array, np.generic) else array


def _opened(model: Proto) -> Proto:
    """The model with every size of its inputs and outputs free."""
    for each in (*model.graph.input, *model.graph.output):
        for size in each.type.tensor_type.shape.dim:
            size.Clear()
    del model.graph.value_info[:]
    return model


def _made(
    name: str, nodes: list[Proto], feeds: Feeds, tensors: Mapping[str, Any] | None = None
) -> Case:
    """A case of nodes whose last outputs, of any type, are the model's."""
    inputs = [
        helper.make_tensor_value_info(
            key, helper.np_dtype_to_tensor_dtype(array.dtype), [None] * array.ndim
        )
        if array.dtype != object
        else value(key, onnx.TensorProto.STRING, [f"d{axis}" for axis in range(array.ndim)])
        for key, array in feeds.items()
    ]
    used = {key for each in nodes for key in each.input}
    outputs = [
        helper.make_empty_tensor_value_info(key)
        for each in nodes
        for key in each.output
        if key and key not in used
    ]
    graph = helper.make_graph(nodes, name, inputs, outputs)
    graph.initializer.extend(numpy_helper.from_array(a, k) for k, a in (tensors or {}).items())
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_ML, 3)]
    opsets.append(helper.make_opsetid("com.microsoft", 1))
    return Case(name, helper.make_model(graph, opset_imports=opsets, ir_version=9), feeds)


def _learned() -> Iterator[Case]:
    """The operators of classical models, most of which the node tests do not have."""
    x = {"x": np.array([[0.5, 1, 2], [3, 0, 1]], np.float32)}
    tree: dict[str, Any] = {
        "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_values": [1.0, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0],
        "nodes_hitrates": [1.0, 1.0, 1.0], "nodes_missing_value_tracks_true": [0, 0, 0],
    }  # fmt: skip
    leaves = {"treeids": [0, 0], "nodeids": [1, 2], "ids": [0, 1], "weights": [1.0, 1.0]}
    labels, older = {"classlabels_int64s": [0, 1]}, {"classlabels_ints": [0, 1]}
    svm: dict[str, Any] = {
        "kernel_type": "RBF", "kernel_params": [0.5, 0.0, 3.0],
        "support_vectors": [0.5, 1, 2, 3, 0, 1], "coefficients": [1.0, -1.0], "rho": [0.1],
    }  # fmt: skip
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "TreeEnsembleClassifier": (
            "y p",
            tree | labels | {f"class_{key}": each for key, each in leaves.items()},
        ),
        "TreeEnsembleRegressor": (
            "y",
            tree | {"n_targets": 2} | {f"target_{key}": each for key, each in leaves.items()},
        ),
        "LinearClassifier": (
            "y p",
            older | {"coefficients": [1.0, 2, 3, -1, -2, -3], "intercepts": [0.0, 1]},
        ),
        "LinearRegressor": ("y", {"coefficients": [1.0, 2, 3], "intercepts": [0.5], "targets": 1}),
        "SVMClassifier": ("y p", older | svm | {"vectors_per_class": [1, 1]}),
        "SVMRegressor": ("y", svm | {"n_supports": 2}),
        "Scaler": ("y", {"offset": [0.0, 1, 2], "scale": [1.0, 2, 3]}),
        "Imputer": ("y", {"imputed_value_floats": [1.0, 2, 3], "replaced_value_float": 0.0}),
        "Normalizer": ("y", {"norm": "L2"}),
        "Binarizer": ("y", {"threshold": 0.5}),
        "OneHotEncoder": ("y", {"cats_int64s": [0, 1, 2], "zeros": 1}),
    }
    for op, (outputs, attributes) in made.items():
        yield _made(op, [node(op, "x", outputs, domain=_ML, **attributes)], x)
    zipped = node("ZipMap", "x", "y", domain=_ML, classlabels_int64s=[0, 1, 2])
    yield _made("ZipMap", [zipped], x)
    words = {"x": np.array([["a", "b"], ["b", "c"]], object)}
    codes = {"keys_strings": ["a", "b"], "values_int64s": [1, 2]}
    yield _made("LabelEncoder", [node("LabelEncoder", "x", "y", domain=_ML, **codes)], words)
    cats = {"cats_strings": ["a", "b"], "cats_int64s": [1, 2]}
    yield _made("CategoryMapper", [node("CategoryMapper", "x", "y", domain=_ML, **cats)], words)
    yield _made(
        "FeatureVectorizer",
        [node("FeatureVectorizer", "x z", "y", domain=_ML, inputdimensions=[3, 3])],
        x | {"z": x["x"]},
    )
    yield _made(
        "ArrayFeatureExtractor",
        [node("ArrayFeatureExtractor", "x i", "y", domain=_ML)],
        x | {"i": np.array([0, 2])},
    )


def _fused() -> Iterator[Case]:
    """What ONNX Runtime makes other operators of when it loads it."""
    random = np.random.default_rng(7)

    def floats(*shape: int) -> Any:  # noqa: ANN401 - an array
        return random.normal(size=shape).astype(np.float32)

    image, rows = {"x": floats(2, 16, 6, 6)}, {"x": floats(2, 5, 16)}
    kernel = {"w": floats(16, 16, 3, 3), "b": floats(16)}
    for act in ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid"):
        yield _made(
            f"Conv and {act}", [node("Conv", "x w b", "c"), node(act, "c", "y")], image, kernel
        )
        yield _made(
            f"Gemm and {act}",
            [node("Gemm", "x w b", "c"), node(act, "c", "y")],
            {"x": floats(2, 16)},
            {"w": floats(16, 16), "b": floats(16)},
        )
    pooled = [node("Conv", "x w b", "c"), node("Relu", "c", "r")]
    for op, attributes in (
        ("MaxPool", {"kernel_shape": [2, 2]}),
        ("AveragePool", {"kernel_shape": [2, 2]}),
        ("GlobalAveragePool", {}),
        ("GlobalMaxPool", {}),
    ):
        yield _made(f"Conv and {op}", [*pooled, node(op, "r", "y", **attributes)], image, kernel)
    residual = [node("Conv", "x w b", "c"), node("Add", "c z", "a"), node("Relu", "a", "y")]
    yield _made("Conv and Add", residual, image | {"z": floats(2, 16, 4, 4)}, kernel)
    norm = dict.fromkeys(("s", "o", "m"), np.ones(16, np.float32)) | {"v": np.ones(16, np.float32)}
    yield _made(
        "Conv and BatchNormalization",
        [node("Conv", "x w b", "c"), node("BatchNormalization", "c s o m v", "y")],
        image,
        kernel | norm,
    )
    yield _made(
        "Conv and Resize",
        [node("Conv", "x w b", "c"), node("Resize", "c - k", "y", mode="nearest")],
        image,
        kernel | {"k": np.array([1, 1, 2, 2], np.float32)},
    )
    weights = {"w": floats(16, 16), "b": floats(16)}
    yield _made(
        "MatMul and Add", [node("MatMul", "x w", "m"), node("Add", "m b", "y")], rows, weights
    )
    yield _made(
        "MatMul and Transpose",
        [node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "x t", "y")],
        rows,
    )
    yield _made(
        "MatMul and Mul",
        [node("MatMul", "x w", "m"), node("Mul", "m k", "y")],
        rows,
        weights | {"k": np.float32(0.5)},
    )
    gelu = [
        node("Add", "x b", "a"), node("Div", "a r", "d"), node("Erf", "d", "e"),
        node("Add", "e one", "p"), node("Mul", "a p", "q"), node("Mul", "q half", "y"),
    ]  # fmt: skip
    numbers = {
        "r": np.float32(np.sqrt(2)), "one": np.float32(1), "half": np.float32(0.5),
        "two": np.float32(2), "eps": np.float32(1e-5),
    }  # fmt: skip
    yield _made("Gelu", gelu, rows, weights | numbers)
    layer = [
        node("Add", "x z", "a"), node("ReduceMean", "a", "u", axes=[-1]), node("Sub", "a u", "d"),
        node("Pow", "d two", "d2"), node("ReduceMean", "d2", "v", axes=[-1]),
        node("Add", "v eps", "e"), node("Sqrt", "e", "s"), node("Div", "d s", "n"),
        node("Mul", "n g", "m"), node("Add", "m b", "y"),
    ]  # fmt: skip
    gain = {"g": floats(16), "b": floats(16)}
    yield _made("SkipLayerNormalization", layer, rows | {"z": floats(2, 5, 16)}, gain | numbers)
    yield _made(
        "LayerNormalization", [node("Identity", "x", "a"), *layer[1:]], rows, gain | numbers
    )
    yield _made("QuickGelu", [node("Sigmoid", "x", "s"), node("Mul", "x s", "y")], rows)
    yield _made(
        "BiasSoftmax", [node("Add", "x z", "a"), node("Softmax", "a", "y")],
        rows | {"z": floats(2, 5, 16)},
    )  # fmt: skip
    dynamic = [
        node("DynamicQuantizeLinear", "x", "q qs qz"), node("MatMulInteger", "q w8 qz w0", "i"),
        node("Cast", "i", "f", to=FLOAT), node("Mul", "qs ws", "k"), node("Mul", "f k", "y"),
    ]  # fmt: skip
    eight = {
        "w8": random.integers(-9, 9, (16, 16)).astype(np.int8), "w0": np.int8(0),
        "ws": np.float32(0.1),
    }  # fmt: skip
    yield _made("DynamicQuantizeMatMul", dynamic, rows, eight)
    yield from _quantised(floats)
    shape = {"h": np.array([0, 0, 4, 4], np.int64), "o": np.array([0, 0, 16], np.int64)}
    turn = {"q": [0, 2, 1, 3], "k": [0, 2, 3, 1], "v": [0, 2, 1, 3]}
    split = [
        each
        for key in "qkv"
        for each in (
            node("MatMul", f"x w{key}", f"m{key}"), node("Add", f"m{key} b", f"a{key}"),
            node("Reshape", f"a{key} h", f"r{key}"),
            node("Transpose", f"r{key}", f"t{key}", perm=turn[key]),
        )
    ]  # fmt: skip
    attention = [
        *split, node("MatMul", "tq tk", "s"), node("Div", "s two", "d"), node("Softmax", "d", "f"),
        node("MatMul", "f tv", "c"), node("Transpose", "c", "ct", perm=[0, 2, 1, 3]),
        node("Reshape", "ct o", "y"),
    ]  # fmt: skip
    yield _made(
        "Attention of MatMul", attention, rows,
        shape | numbers | gain | {f"w{key}": floats(16, 16) for key in "qkv"},
    )  # fmt: skip


def _others() -> Iterator[Case]:
    """What the node tests leave out of the standard's operators, and of their attributes."""
    image = {"x": np.ones((2, 4, 6, 6), np.float32)}
    kernel = {"w": np.ones((4, 4, 3, 3), np.float32)}
    signal = {"x": np.ones((2, 4, 8), np.float32), "w": np.ones((4, 1, 3), np.float32)}
    for op in ("Conv", "ConvTranspose"):
        yield _made(f"{op} of two inputs", [node(op, "x w", "y")], image | kernel)
        yield _made(f"{op} by channel", [node(op, "x w", "y", group=4, pads=[1, 1])], signal)
    yield _made("GlobalLpPool", [node("GlobalLpPool", "x", "y")], image)
    yield _made("RandomNormalLike", [node("RandomNormalLike", "x", "y")], image)
    yield _made("RandomUniformLike", [node("RandomUniformLike", "x", "y")], image)
    rows = {"x": np.ones((2, 4), np.float32)}
    yield _made("Multinomial", [node("Multinomial", "x", "y", sample_size=3)], rows)
    boxes = {"b": np.array([[0, 0, 0, 3, 3]], np.float32)}
    pooled = node("MaxRoiPool", "x b", "y", pooled_shape=[2, 2])
    yield _made("MaxRoiPool", [pooled], image | boxes)
    regions = {"b": boxes["b"][:, 1:], "i": np.array([0])}
    yield _made("RoiAlign", [node("RoiAlign", "x b i", "y")], image | regions)
    for kind in (np.int32, np.int64):
        numbers = {"a": np.array([7, -8], kind), "b": np.array([2, 3], kind)}
        for op in ("Div", "Mod"):
            yield _made(f"{op} of {kind.__name__}", [node(op, "a b", "y")], numbers)
    sequence = [node("SequenceConstruct", "x x", "s"), node("SequenceLength", "s", "n")]
    number = {"i": np.array(0)}
    yield _made("SequenceAt", [*sequence, node("SequenceAt", "s i", "y")], rows | number)
    yield _made(
        "SequenceErase",
        [
            *sequence,
            node("SequenceErase", "s i", "t"),
            node("ConcatFromSequence", "t", "y", axis=0),
        ],
        rows | number,
    )


def _as_fused(case: Case) -> Iterator[Case]:
    """The case with the operators that ONNX Runtime makes of it, if those are others."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # then it has no threads, and whoever called may fork
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        options.optimized_model_filepath = file.name
        onnxruntime.InferenceSession(case.model.SerializeToString(), options)
        model = onnx.load(file.name)
    fused = Case(f"{case.name}, fused", _opened(model), case.feeds)
    if any(domain == "com.microsoft" for domain, _ in fused.operators):
        yield fused


def _quantised(floats: Any) -> Iterator[Case]:  # noqa: ANN401 - a function of this module
    """Operators between integers and floats, which become operators on integers."""
    scale = {"s": np.float32(0.1), "z": np.uint8(128), "z8": np.int8(0)}
    inputs: dict[str, tuple[Feeds, str, Mapping[str, Any]]] = {
        "Conv": ({"x": floats(2, 16, 6, 6)}, "a wf", {"w": np.ones((16, 16, 3, 3), np.int8)}),
        "MatMul": ({"x": floats(2, 5, 16)}, "a wf", {"w": np.ones((16, 16), np.int8)}),
        "Gemm": ({"x": floats(2, 16)}, "a wf", {"w": np.ones((16, 16), np.int8)}),
        "Add": ({"x": floats(2, 16)}, "a a", {}),
        "Mul": ({"x": floats(2, 16)}, "a a", {}),
        "Sigmoid": ({"x": floats(2, 16)}, "a", {}),
        "LeakyRelu": ({"x": floats(2, 16)}, "a", {}),
        "Softmax": ({"x": floats(2, 16)}, "a", {}),
        "GlobalAveragePool": ({"x": floats(2, 16, 6, 6)}, "a", {}),
        "AveragePool": ({"x": floats(2, 16, 6, 6)}, "a", {"kernel_shape": [2, 2]}),
        "MaxPool": ({"x": floats(2, 16, 6, 6)}, "a", {"kernel_shape": [2, 2]}),
        "Concat": ({"x": floats(2, 16)}, "a a", {"axis": 0}),
        "Transpose": ({"x": floats(2, 16)}, "a", {}),
    }
    for op, (feeds, names, more) in inputs.items():
        weight = {key: each for key, each in more.items() if isinstance(each, np.ndarray)}
        attributes = {key: each for key, each in more.items() if key not in weight}
        nodes = [node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "a")]
        if weight:
            nodes.append(node("DequantizeLinear", "w s z8", "wf"))
        nodes += [
            node(op, names, "c", **attributes),
            node("QuantizeLinear", "c s z", "d"),
            node("DequantizeLinear", "d s z", "y"),
        ]
        yield _made(f"{op} of integers", nodes, feeds, scale | weight)
