"""Models for operators that the standard's node tests leave out, or try without a proof."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tests.onnx_models import graph, node, value
from tests.serving.model.rows.apart import Sample

Proto = Any  # protobuf messages carry no types here

_TABLE = np.array([[0.5, -1, 2, 3], [1, 2, 3, 4], [-1, 0, 5, 7]], np.float32)
_INT64 = TensorProto.INT64


def sample(
    nodes: Sequence[Proto],
    outputs: Sequence[str] = ("y",),
    opsets: Mapping[str, int] | None = None,
    **inputs: Any,  # noqa: ANN401 - arrays or what becomes one
) -> Sample:
    """A model of nodes, and arrays for its inputs."""
    arrays = {name: np.asarray(each) for name, each in inputs.items()}
    kinds = {name: helper.np_dtype_to_tensor_dtype(each.dtype) for name, each in arrays.items()}
    whole = helper.make_graph(
        nodes,
        "sample",
        [helper.make_tensor_value_info(n, kinds[n], each.shape) for n, each in arrays.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
    )
    imports = [helper.make_opsetid(*each) for each in (opsets or {"": 17}).items()]
    model = helper.make_model(whole, opset_imports=imports, ir_version=9)
    return Sample(nodes[0].op_type, model, arrays)


def own_samples() -> Iterator[tuple[str, Sample]]:
    """Each with the operator that it is for."""
    made = (*_standard(), *_learners(), *_microsoft())
    yield from ((each.name, each) for each in made)


def _standard() -> Iterator[Sample]:
    yield sample([node("CastLike", "x k", "y")], x=_TABLE, k=np.ones(1, np.float16))
    yield sample([node("Tile", "x r", "y")], x=_TABLE, r=np.array([1, 2]))
    yield sample([node("Tile", "x r", "y")], x=_TABLE, r=np.array([3, 1]))
    yield sample([node("GlobalLpPool", "x", "y")], x=_TABLE.reshape(1, 3, 2, 2))
    for name in ("ParametricSoftplus", "ScaledTanh"):
        yield sample([node(name, "x", "y", alpha=0.5, beta=2.0)], opsets={"": 1}, x=_TABLE)
    yield from _counting()
    yield _branching()
    yield _looping()
    yield _scanning()


def _counting() -> Iterator[Sample]:
    zeros = [node("Shape", "x", "s"), node("ConstantOfShape", "s", "z"), node("Add", "x z", "y")]
    size = [node("Size", "w", "n"), node("Cast", "n", "f", to=1), node("Mul", "x f", "y")]
    listed = [node("Constant", "", "k", value_floats=[1.0, 2, 3, 4]), node("Mul", "x k", "y")]
    yield replace(sample(zeros, x=_TABLE), name="ConstantOfShape")
    yield sample(size, x=_TABLE, w=_TABLE)
    yield sample(listed, x=_TABLE)


def _branching() -> Sample:
    then = graph([node("Mul", "x x", "t")], [value("t", shape=None)])
    other = graph([node("Neg", "x", "e")], [value("e", shape=None)])
    nodes = [node("If", "c", "y", then_branch=then, else_branch=other)]
    return sample(nodes, x=_TABLE, c=np.array(True))  # noqa: FBT003 - numpy's interface


def _looping() -> Sample:
    body = graph(
        [node("Identity", "c", "c2"), node("Add", "a x", "a2"), node("Neg", "a2", "o")],
        [value("c2", TensorProto.BOOL, ()), value("a2", shape=None), value("o", shape=None)],
        inputs=[
            value("i", _INT64, ()), value("c", TensorProto.BOOL, ()), value("a", shape=None)
        ],
    )  # fmt: skip
    nodes = [node("Loop", "m - x", "y z", body=body)]
    return sample(nodes, ("y", "z"), x=_TABLE, m=np.array(3))


def _scanning() -> Sample:
    body = graph(
        [node("Add", "s e", "s2"), node("Identity", "s2", "o")],
        [value("s2", shape=None), value("o", shape=None)],
        inputs=[value("s", shape=None), value("e", shape=None)],
    )
    axes = {"scan_input_axes": [1], "scan_output_axes": [1]}
    nodes = [node("Scan", "s0 x", "y z", body=body, num_scan_inputs=1, **axes)]
    return sample(nodes, ("y", "z"), x=_TABLE, s0=_TABLE[:, 0])


def _learners() -> Iterator[Sample]:
    ml = {"": 17, "ai.onnx.ml": 3}

    def one(name: str, outputs: str = "y", x: Any = _TABLE, **attributes: Any) -> Sample:  # noqa: ANN401
        made = node(name, "x", outputs, domain="ai.onnx.ml", **attributes)
        return sample([made], outputs.split(), ml, x=x)

    weights = [0.1 * each for each in range(8)]
    yield one("Scaler", offset=[1.0, 2, 3, 4], scale=[0.5, 1, 2, 3])
    yield one("Imputer", imputed_value_floats=[1.0, 2, 3, 4], replaced_value_float=0.5)
    for norm in ("MAX", "L1", "L2"):
        yield one("Normalizer", norm=norm)
    yield one("Binarizer", threshold=1.0)
    yield one("OneHotEncoder", x=np.array([[1, 2], [3, 1]]), cats_int64s=[1, 2, 3])
    yield one("LinearRegressor", coefficients=weights, intercepts=[1.0, 2], targets=2)
    yield one("LinearClassifier", "y z", coefficients=weights, intercepts=[1.0, 2],
        classlabels_ints=[0, 1], post_transform="SOFTMAX")  # fmt: skip
    yield one("CategoryMapper", x=np.array([[1, 2], [3, 1]]), cats_int64s=[1, 2, 3],
        cats_strings=["a", "b", "c"])  # fmt: skip
    yield sample([node("FeatureVectorizer", "x w", "y", domain="ai.onnx.ml",
        inputdimensions=[4, 4])], ("y",), ml, x=_TABLE, w=_TABLE)  # fmt: skip
    yield one("SVMRegressor", coefficients=[1.0, -1], support_vectors=weights, n_supports=2,
        kernel_type="RBF", kernel_params=[0.1, 0, 3], rho=[0.5])  # fmt: skip
    yield one("SVMClassifier", "y z", coefficients=[1.0, -1], support_vectors=weights,
        vectors_per_class=[1, 1], classlabels_ints=[0, 1], kernel_type="LINEAR",
        kernel_params=[0.1, 0, 3], rho=[0.5])  # fmt: skip
    for indices in (np.array([2, 0, 1]), np.array([[2], [0], [1]])):
        picked = node("ArrayFeatureExtractor", "x i", "y", domain="ai.onnx.ml")
        yield sample([picked], ("y",), ml, x=_TABLE[0], i=indices)
        yield sample([picked], ("y",), ml, x=_TABLE[:1], i=indices)
    yield from (_trees(one), _classifying_trees(one))


def _nodes() -> dict[str, Any]:
    """One tree that asks whether the second number is at most 1.5."""
    return {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [1, 0, 0],
        "nodes_values": [1.5, 0.0, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
    }


def _trees(one: Any) -> Sample:  # noqa: ANN401 - a function of this module
    weights = {"target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [0.5, -2.0]}
    made: Sample = one(
        "TreeEnsembleRegressor", n_targets=1, target_treeids=[0, 0], **weights, **_nodes()
    )
    return made


def _classifying_trees(one: Any) -> Sample:  # noqa: ANN401 - a function of this module
    weights = {"class_nodeids": [1, 2], "class_ids": [0, 2], "class_weights": [0.5, 2.0]}
    labels = {"classlabels_int64s": [0, 1, 2], "class_treeids": [0, 0]}
    made: Sample = one("TreeEnsembleClassifier", "y z", **labels, **weights, **_nodes())
    return made


def _microsoft() -> Iterator[Sample]:
    microsoft = {"": 17, "com.microsoft": 1}
    for name in ("Gelu", "QuickGelu", "FastGelu"):
        yield sample([node(name, "x", "y", domain="com.microsoft")], ("y",), microsoft, x=_TABLE)
    for name in ("FastGelu", "BiasGelu"):
        made = node(name, "x w", "y", domain="com.microsoft")
        yield sample([made], ("y",), microsoft, x=_TABLE, w=_TABLE[0])
