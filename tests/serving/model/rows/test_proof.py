"""Whole graphs: which are proven to keep rows apart, and why the others are not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelserver.model.contract import Contract
from modelserver.model.graph import reader
from modelserver.model.graph.parts import Declared
from modelserver.model.rows.proof import why_dependent
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec
from scratch import PROJECT
from tests.onnx_models import FLOAT, INT64, function, graph, node, value

Proto = Any  # protobuf messages carry no types here


def made(
    *nodes: Proto,
    inputs: Mapping[str, Sequence[Any]] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    functions: Sequence[Proto] = (),
    **constants: Any,  # noqa: ANN401 - arrays or what becomes one
) -> tuple[Proto, Contract]:
    """A model with inputs of float32 rows, by default x[N, 4], and its contract."""
    shapes = {"x": ("N", 4)} if inputs is None else inputs
    arrays = {name: np.asarray(each) for name, each in constants.items()}
    arrays = {n: a.astype(np.float32) if a.dtype.kind == "f" else a for n, a in arrays.items()}
    whole = helper.make_graph(
        nodes,
        "main",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    model = helper.make_model(whole, opset_imports=opsets, ir_version=9, functions=functions)
    free = {
        name: tuple(size if isinstance(size, int) else -1 for size in shape)
        for name, shape in shapes.items()
    }
    specs = tuple(TensorSpec(name, DATATYPES["FP32"], shape) for name, shape in free.items())
    given = tuple(TensorSpec(name, DATATYPES["FP32"], (-1, 4)) for name in outputs)
    return model, Contract(specs, given)


def why(model: Proto, contract: Contract) -> str | None:
    """Why it is not proven."""
    return why_dependent(reader.read_bytes(model.SerializeToString()), contract)


def loop(*nodes: Proto, states: str = "a", results: str = "a2") -> Proto:
    """The body of a Loop."""
    return graph(
        [node("Identity", "c", "c2"), *nodes],
        [value("c2", TensorProto.BOOL, ()), *(value(n, shape=None) for n in results.split())],
        inputs=[
            value("i", INT64, ()),
            value("c", TensorProto.BOOL, ()),
            *(value(name, shape=None) for name in states.split()),
        ],
    )


AXES0, AXES1 = {"axes": [0]}, {"axes": [1]}
TWO = {"x": ("N", 4), "w": ("M", 4)}
SEQUENCE = {"x": ("N", "T", 8)}
SHAPE = node("Shape", "x", "s")
COUNT = [SHAPE, node("Gather", "s i0", "n", axis=0), node("Unsqueeze", "n a0", "n1")]

PROVEN = {
    "chain": made(node("Relu", "x", "a"), node("Add", "a b", "y"), b=np.ones(4)),
    "two inputs": made(node("Add", "x w", "y"), inputs=TWO),
    "other axis": made(node("ReduceMax", "x", "m", axes=[1]), node("Div", "x m", "y")),
    "negative axis": made(node("ReduceSum", "x a", "m"), node("Sub", "x m", "y"), a=[-1]),
    "softmax": made(node("Softmax", "x", "y")),
    "softmax before opset 13": made(node("Softmax", "x", "y"), opset=11),
    "there and back": made(
        node("Transpose", "x", "t"), node("Softmax", "t", "u", axis=0), node("Transpose", "u", "y")
    ),
    "weights made of constants": made(
        node("Transpose", "w", "t"), node("MatMul", "x t", "y"), w=np.ones((4, 4))
    ),
    "flat and back": made(
        node("Reshape", "x f", "a"), node("Relu", "a", "b"), node("Reshape", "b g", "y"),
        f=[-1, 2], g=[-1, 4],
    ),
    "as many as there are": made(
        *COUNT, node("Concat", "n1 four", "t", axis=0), node("Expand", "b t", "z"),
        node("Concat", "x z", "v", axis=1), node("Slice", "v st en ax", "y"),
        i0=0, a0=[0], four=[4], b=np.ones((1, 4)), st=[0], en=[4], ax=[1],
    ),
    "heads": made(
        *COUNT,
        node("Gather", "s i1", "l", axis=0), node("Unsqueeze", "l a0", "l1"),
        node("Concat", "n1 l1 two four", "t4", axis=0), node("Reshape", "x t4", "q"),
        node("Transpose", "q", "qt", perm=[0, 2, 1, 3]),
        node("Transpose", "q", "kt", perm=[0, 2, 3, 1]),
        node("MatMul", "qt kt", "p"), node("Softmax", "p", "ps"), node("MatMul", "ps qt", "o"),
        node("Transpose", "o", "ot", perm=[0, 2, 1, 3]),
        node("Concat", "n1 l1 eight", "t3", axis=0), node("Reshape", "ot t3", "m"),
        node("LayerNormalization", "m g", "y"),
        inputs=SEQUENCE, i0=0, i1=1, a0=[0], two=[2], four=[4], eight=[8], g=np.ones(8),
    ),
    "heads as rows": made(
        *COUNT,
        node("Gather", "s i1", "l", axis=0), node("Unsqueeze", "l a0", "l1"),
        node("Concat", "n1 l1 two four", "t4", axis=0), node("Reshape", "x t4", "q"),
        node("Transpose", "q", "qt", perm=[0, 2, 1, 3]),
        node("Mul", "n1 two", "n2"), node("Concat", "n2 l1 four", "t3", axis=0),
        node("Reshape", "qt t3", "f"), node("Transpose", "f", "ft", perm=[0, 2, 1]),
        node("MatMul", "f ft", "p"), node("Softmax", "p", "ps"), node("MatMul", "ps f", "o"),
        node("Concat", "n1 two l1 four", "t5", axis=0), node("Reshape", "o t5", "y"),
        inputs=SEQUENCE, i0=0, i1=1, a0=[0], two=[2], four=[4],
    ),
    "a function": made(
        node("F", "x", "y", domain="own"),
        functions=[function("F", [node("Softmax", "a", "b", axis=1)])],
    ),
    "a loop": made(
        node("Loop", "m - x", "y", body=loop(node("Tanh", "a", "a2"))), m=3
    ),
    "picked from a table": made(
        node("Cast", "x", "i", to=INT64), node("Gather", "w i", "y"), w=np.ones((9, 2))
    ),
}  # fmt: skip

DEPENDENT = {
    "largest of all": (
        made(node("ReduceMax", "x", "m"), node("Div", "x m", "y")),
        "ReduceMax 'm': it looks along axis 0, where the rows are",
    ),
    "sum of those before": (
        made(node("CumSum", "x a", "y"), a=0),
        "CumSum 'y': it looks along axis 0, where the rows are",
    ),
    "softmax over rows": (made(node("Softmax", "x", "y", axis=0)), "it looks along axis 0"),
    "softmax of all before opset 13": (
        made(node("Softmax", "x", "y", axis=0), opset=11),
        "it looks along axis 0",
    ),
    "negative axis of rows": (made(node("Softmax", "x", "y", axis=-2)), "it looks along axis 0"),
    "rows moved": (made(node("Transpose", "x", "y")), "y has its rows at axis 1"),
    "rows split": (made(node("Reshape", "x t", "y"), t=[-1, 2]), "y has its rows at axis 0, or se"),
    "rows joined": (made(node("Reshape", "x t", "y"), t=[-1, 8]), "may put elements of several"),
    "more elements than there are": (
        made(
            node("Transpose", "x", "t", perm=[1, 0, 2]), node("Shape", "t", "s"),
            node("Gather", "s i", "k", axis=0), node("Concat", "k z", "g", axis=0),
            node("Reshape", "t g", "y"), inputs={"x": ("N", 2, 4)}, i=[0], z=[0],
        ),
        "it may give another number of elements",
    ),
    "rows behind others": (
        made(node("Reshape", "x t", "a"), node("ReduceMax", "a", "y", axes=[0]), t=[2, -1, 4]),
        "may put elements of several rows together",
    ),
    "a condition on all": (
        made(
            node("ReduceMax", "x", "m", keepdims=0),
            node("Greater", "m z", "c"),
            node(
                "If",
                "c",
                "y",
                then_branch=graph([node("Abs", "x", "t")], [value("t", shape=None)]),
                else_branch=graph([node("Neg", "x", "e")], [value("e", shape=None)]),
            ),
            z=0.0,
        ),
        "ReduceMax 'm'",
    ),
    "a condition on the number": (
        made(
            *COUNT,
            node("Equal", "n1 a1", "c"),
            node(
                "If",
                "c",
                "y",
                then_branch=graph([node("Abs", "x", "t")], [value("t", shape=None)]),
                else_branch=graph([node("Neg", "x", "e")], [value("e", shape=None)]),
            ),
            i0=0,
            a0=[0],
            a1=[1],
        ),
        "depends on the number of rows",
    ),
    "a row that another names": (
        made(
            node("Cast", "i", "j", to=INT64),
            node("Gather", "x j", "y", axis=0),
            inputs={"x": ("N", 4), "i": ("N",)},
        ),
        "indices of one row may name another",
    ),
    "the first row": (made(node("Gather", "x i", "y", axis=0), i=[0, 0]), "it picks rows"),
    "rows of both against each other": (
        made(
            node("Transpose", "w", "t"),
            node("MatMul", "x t", "y"),
            inputs=TWO,
        ),
        "rows of one input meet rows of another",
    ),
    "rows on the right": (
        made(node("MatMul", "w x", "y"), w=np.ones((4, 4))),
        "it sums over the rows",
    ),
    "rows of another rank": (
        made(node("Add", "x w", "y"), inputs={"x": ("N", 4), "w": ("N", "K", 4)}),
        "rows of one input meet rows of another",
    ),
    "a vector as columns": (
        made(node("Add", "x w", "y"), inputs={"x": ("N", 4), "w": ("N",)}),
        "rows of one input meet rows of another",
    ),
    "a constant of two rows": (
        made(node("Add", "x w", "y"), w=np.ones((2, 4))),
        "rows meet a size of their own",
    ),
    "rows after rows": (made(node("Concat", "x x", "y", axis=0)), "it puts rows after rows"),
    "all but the first": (
        made(node("Slice", "x st en ax", "y"), st=[1], en=[2**31], ax=[0]),
        "it may leave out rows",
    ),
    "as many columns as rows": (
        made(
            *COUNT, node("Slice", "w st n1 ax", "v"), node("ReduceSum", "v ax", "r"),
            node("Add", "x r", "y"),
            i0=0, a0=[0], w=np.ones((1, 4)), st=[0], ax=[1],
        ),
        "depends on the number of rows",
    ),
    "divided by the number": (
        made(SHAPE, node("Cast", "s", "f", to=FLOAT), node("Div", "x f", "y")),
        "it computes with the number of rows",
    ),
    "numbered rows": (
        made(
            *COUNT, node("Range", "o n one", "r"), node("Unsqueeze", "r a1", "u"),
            node("Cast", "u", "f", to=FLOAT), node("Add", "x f", "y"),
            i0=0, a0=[0], a1=[1], o=0, one=1,
        ),
        "it computes with the number of rows",
    ),
    "stretched to another input": (
        made(
            node("Shape", "w", "s"), node("Expand", "x s", "e"), node("ReduceSum", "e a", "y"),
            inputs={"x": ("N", 4), "w": ("N", "K", 4)}, a=[0], opset=13,
        ),
        "rows of one input meet rows of another",
    ),
    "squeezed where there is one": (
        made(node("Squeeze", "x", "a"), node("Softmax", "a", "b"), node("Reshape", "b t", "y"),
             inputs={"x": ("N", 4)}, t=[-1, 4]),
        "without axes it drops that of the rows",
    ),
    "quantised together": (
        made(
            node("DynamicQuantizeLinear", "x", "q sc z"), node("DequantizeLinear", "q sc z", "y")
        ),
        "DynamicQuantizeLinear 'q': rows may meet",
    ),
    "normalised together": (
        made(
            node("BatchNormalization", "x g g g g", "y m v", training_mode=1), g=np.ones(4)
        ),
        "it takes its statistics from all rows",
    ),
    "normalised over rows": (
        made(node("MeanVarianceNormalization", "x", "y", axes=[0])),
        "it looks along axis 0",
    ),
    "dropped at random": (
        made(node("Dropout", "x r t", "y"), r=0.5, t=True),
        "it drops at random",
    ),
    "random": (
        made(node("RandomNormalLike", "x", "r"), node("Add", "x r", "y")),
        "nothing is known of this operator",
    ),
    "summed by letters": (
        made(node("Einsum", "x", "s", equation="ij->j"), node("Add", "x s", "y")),
        "sums over the rows, i",
    ),
    "a diagonal": (
        made(node("Einsum", "x", "y", equation="ii->i")),
        "meet rows of another, or a size of its own",
    ),
    "letters without an arrow": (
        made(node("Einsum", "x w", "y", equation="ij,ij"), inputs=TWO),
        "does not say where every axis goes",
    ),
    "carried from turn to turn": (
        made(
            node("Loop", "m - x", "y", body=loop(node("Softmax", "a", "a2", axis=0))), m=2
        ),
        "it looks along axis 0",
    ),
    "turned round in a loop": (
        made(node("Loop", "m - x", "y", body=loop(node("Transpose", "a", "a2"))), m=2),
        "what goes round changes the axis of its rows",
    ),
    "as many turns as rows": (
        made(
            *COUNT, node("Loop", "n - x", "y", body=loop(node("Tanh", "a", "a2"))), i0=0, a0=[0]
        ),
        "it computes with the number of rows",
    ),
    "a number that becomes a list": (
        made(
            node("Loop", "m - z", "r", body=loop(node("Unsqueeze", "a a0", "a2"))),
            node("Add", "x r", "y"),
            z=0.0, m=2, a0=[0],
        ),
        "what goes round changes the axis of its rows",
    ),
    "scanned row by row": (
        made(
            node("Scan", "z x", "l y", num_scan_inputs=1, body=graph(
                [node("Add", "s e", "s2"), node("Identity", "s2", "o")],
                [value("s2", shape=None), value("o", shape=None)],
                inputs=[value("s", shape=None), value("e", shape=None)],
            )),
            z=np.zeros(4),
        ),
        "it takes one row after another",
    ),
    "in a function": (
        made(
            node("F", "x", "y", domain="own"),
            functions=[function("F", [node("Softmax", "a", "b", axis=0)])],
        ),
        "Softmax 'b': it looks along axis 0",
    ),
    "in a branch": (
        made(
            node("If", "c", "y",
                then_branch=graph([node("Abs", "x", "t")], [value("t", shape=None)]),
                else_branch=graph([node("Softmax", "x", "e", axis=0)], [value("e", shape=None)])),
            inputs={"x": ("N", 4)}, c=np.bool_(0),
        ),
        "Softmax 'e': it looks along axis 0",
    ),
    "an operator of its own": (
        made(node("Mystery", "x", "y", domain="own")),
        "Mystery 'y': nothing is known of this operator",
    ),
    "nothing of the input": (made(node("Identity", "w", "y"), w=np.ones((3, 4))), "y has no rows"),
    "as many as there are and more": (
        made(node("Pad", "x p", "y"), p=[0, 0, 1, 0]),
        "it adds rows",
    ),
    "stretched rows": (
        made(
            node("Resize", "x - sc", "y"), inputs={"x": ("N", 1, 2, 2)},
            sc=np.array([2, 1, 1, 1], np.float32),
        ),
        "it may stretch the axis of rows",
    ),
    "places of maxima": (
        made(
            node("MaxPool", "x", "m y", kernel_shape=[2, 2]), inputs={"x": ("N", 1, 4, 4)}
        ),
        "places of maxima count through all rows",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROVEN)
def test_rows_that_stay_apart_are_proven(name: str) -> None:
    """Graphs as exporters write them are followed to the end."""
    assert why(*PROVEN[name]) is None


@pytest.mark.parametrize("name", PROVEN)
def test_what_is_proven_of_whole_graphs_holds(name: str) -> None:
    """ONNX Runtime gives for rows together what it gives for each alone."""
    model, contract = PROVEN[name]
    random = np.random.default_rng(5)
    feeds = {}
    for spec in contract.inputs:
        shape = [4, *(3 if size < 0 else size for size in spec.shape[1:])]
        feeds[spec.name] = (3 + random.normal(size=shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString())

    (together,) = session.run(["y"], feeds)
    alone = [
        session.run(["y"], {name: each[row : row + 1] for name, each in feeds.items()})[0]
        for row in range(4)
    ]

    assert np.allclose(np.concatenate(alone), together, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", DEPENDENT)
def test_rows_that_may_meet_are_not_proven(name: str) -> None:
    """Whatever way a row may come to another, the node where it does is named."""
    case, reason = DEPENDENT[name]

    assert reason in (why(*case) or "proven")


def _specs(tensors: Sequence[Declared], known: Mapping[str, Any]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(each.name, DATATYPES["FP32"], tuple(
            size if isinstance(size, int) else -1 for size in each.shape or ()
        ))
        for each in tensors
        if each.name not in known
    )  # fmt: skip


@pytest.mark.parametrize("path", sorted((PROJECT / "examples/artifacts").glob("*/*.onnx")), ids=str)
def test_sample_models_are_proven(path: Path) -> None:
    """Models of this repository, exported by several trainers, may be batched."""
    file = reader.read(path)
    graph = file.graph
    contract = Contract(_specs(graph.inputs, graph.initializers), _specs(graph.outputs, {}))

    assert why_dependent(file, contract) is None


def test_a_deep_chain_of_functions_ends() -> None:
    """Functions that call the next one twice would be followed for ever."""
    calls = [
        function(
            f"F{each}",
            [
                node(f"F{each + 1}", "a", "t", domain="own"),
                node(f"F{each + 1}", "t", "b", domain="own"),
            ],
        )
        for each in range(30)
    ]
    last = function("F30", [node("Relu", "a", "b")])

    model, contract = made(node("F0", "x", "y", domain="own"), functions=[*calls, last])

    assert "more than 200000 nodes" in (why(model, contract) or "")


def test_functions_in_a_circle_end() -> None:
    """A function that calls itself is not followed for ever."""
    again = function("F", [node("F", "a", "b", domain="own")])

    model, contract = made(node("F", "x", "y", domain="own"), functions=[again])

    assert "nested more than 40 deep" in (why(model, contract) or "")


def test_a_node_that_does_not_fit_its_operator_proves_nothing() -> None:
    """A list that is too short ends the proof, not the server."""
    model, contract = made(
        node("Conv", "x w", "y", strides=[1]),
        inputs={"x": ("N", 1, 4, 4)},
        w=np.ones((1, 1, 2, 2)),
    )

    assert "not those of its operator" in (why(model, contract) or "")


def test_what_the_file_declares_is_not_believed() -> None:
    """A wrong shape between nodes does not move an axis."""
    model, contract = made(node("Relu", "x", "a"), node("Softmax", "a", "y", axis=-2))
    model.graph.value_info.append(helper.make_tensor_value_info("a", FLOAT, ["N", 4, 1]))

    assert "it looks along axis 0" in (why(model, contract) or "")
