"""What small runs show: shapes of outputs, and the sizes that must be equal."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from modelserver.errors import ContractMismatch, InferenceFailed, InvalidRequest
from modelserver.model import size_names
from modelserver.model.contract import Contract, SharedSize
from modelserver.model.graph import reader
from modelserver.start import shapes, warmup
from modelserver.start.shapes import MemoryPlannedWrongly
from tests.serving import onnx_models
from tests.serving.loading import Load, specs

ROWS = ("FP32", ("N", 3))


def label(declared: onnx_models.Shape) -> onnx.ModelProto:
    """Gives the index of the largest of 3 numbers of each row, whatever it declares."""
    node = helper.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)
    return onnx_models.build([node], {"x": ROWS}, {"y": ("INT64", declared)})


def unshaped() -> onnx.ModelProto:
    """Gives y = x, and says neither of x nor of y how many dimensions it has."""
    model = onnx_models.identity("FP32")
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.ClearField("shape")
    return model


def of_rows(datatype: str, *shape: int) -> Contract:
    """A contract from rows of 3 numbers to an output y."""
    return Contract(specs(x=("FP32", (-1, 3))), specs(y=(datatype, shape)))


@pytest.mark.parametrize("declared", [(1,), ("N",), ("other",), (None,)])
def test_a_label_for_each_row_is_taken_as_it_is(load: Load, declared: onnx_models.Shape) -> None:
    """The truth may be promised, whatever the graph declares."""
    contract = of_rows("INT64", -1)
    model = load(label(declared), contract)

    shapes.check_outputs(model, warmup.synthetic(contract))


@pytest.mark.parametrize("declared", [(1,), ("N",)])
def test_a_promise_that_two_rows_break(load: Load, declared: onnx_models.Shape) -> None:
    """One label for any number of rows is not what the model gives; the error says what is."""
    contract = of_rows("INT64", 1)
    model = load(label(declared), contract)

    with pytest.raises(ContractMismatch) as caught:
        shapes.check_outputs(model, warmup.synthetic(contract))

    assert "outputs.y: found [2] for 2 rows, expected [1]; [-1] would be right" in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "outputs", "problem"),
    [
        ((-1, -1), (-1, -1), ""),
        ((-1, 3), (-1, 3), ""),
        ((2, 3), (2, 3), ""),
        ((), (), ""),
        ((-1, 3), (), "found [1, 3] for one row, expected []; [-1, 3] would be right"),
        ((-1, 3), (-1, 4), "found [1, 3] for one row, expected [-1, 4]; [-1, 3] would be right"),
        ((2, 3), (), "found [2, 3], expected []; [2, 3] would be right"),
        ((), (-1, -1), "found [], expected [-1, -1]; [] would be right"),
    ],
)
def test_an_unknown_number_of_dimensions_is_tried(
    load: Load, inputs: tuple[int, ...], outputs: tuple[int, ...], problem: str
) -> None:
    """The true contract is accepted and a false one refused, by what a run gives."""
    contract = Contract(specs(x=("FP32", inputs)), specs(y=("FP32", outputs)))
    model = load(unshaped(), contract)
    found = ""

    try:
        shapes.check_outputs(model, warmup.synthetic(contract))
    except ContractMismatch as error:
        found = str(error)

    assert problem in found
    assert bool(problem) is bool(found)


def image(*names: str) -> onnx.ModelProto:
    """Gives the mean of each channel of an image whose sizes have these names."""
    node = helper.make_node("GlobalAveragePool", ["x"], ["y"])
    return onnx_models.build(
        [node], {"x": ("FP32", ("N", 3, *names))}, {"y": ("FP32", ("N", 3, 1, 1))}
    )


def square() -> onnx.ModelProto:
    """Gives x + its transpose, which takes as many columns as rows."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        helper.make_node("Add", ["x", "t"], ["y"]),
    ]
    shape = ("FP32", ("N", "S", "S"))
    return onnx_models.build(nodes, {"x": shape}, {"y": shape})


def shared(load: Load, build: onnx.ModelProto, inputs: dict[str, tuple[int, ...]]) -> object:
    """The sizes of a model that must be equal."""
    outputs = {value.name: value for value in build.graph.output}
    contract = Contract(
        specs(**{name: ("FP32", shape) for name, shape in inputs.items()}),
        specs(
            **{
                name: ("FP32", (-1,) * len(value.type.tensor_type.shape.dim))
                for name, value in outputs.items()
            }
        ),
    )
    return shapes.shared_sizes(load(build, contract), warmup.synthetic(contract))


@pytest.mark.parametrize("names", [("?", "?"), ("unk__7", "unk__7"), ("S", "S"), ("H", "W")])
def test_a_name_that_other_sizes_disprove_binds_nothing(load: Load, names: tuple[str, str]) -> None:
    """Height and width may differ, whatever an exporter calls them."""
    assert () == shared(load, image(*names), {"x": (-1, 3, -1, -1)})


def test_a_name_that_runs_confirm_binds(load: Load) -> None:
    """Sizes that must be equal are asked to be, within one input and across several."""
    rows = {"a": (-1, 2), "b": (-1, 2)}

    assert (SharedSize("S", (("x", 1), ("x", 2))),) == shared(load, square(), {"x": (-1, -1, -1)})
    assert (SharedSize("N", (("a", 0), ("b", 0))),) == shared(load, onnx_models.total(), rows)


def test_a_name_binds_only_where_it_is_needed(load: Load) -> None:
    """Of three places with one name, two must be equal and the third may be as it likes."""
    nodes = [
        helper.make_node("Add", ["a", "b"], ["y"]),
        helper.make_node("Identity", ["c"], ["z"]),
    ]
    tensor = ("FP32", ("N", 2))
    three = onnx_models.build(nodes, dict.fromkeys("abc", tensor), dict.fromkeys("yz", tensor))

    assert (SharedSize("N", (("a", 0), ("b", 0))),) == shared(
        load, three, dict.fromkeys("abc", (-1, 2))
    )


def outer(*names: str) -> onnx.ModelProto:
    """Gives the products of row sums and column sums, in memory that is used again and again."""
    axes = [numpy_helper.from_array(np.array([axis], np.int64), f"a{axis}") for axis in range(2)]
    nodes = [helper.make_node("Abs", ["x"], ["x1"])]
    for axis in range(2):
        nodes += [
            helper.make_node("ReduceSum", ["x1", f"a{axis}"], [f"s{axis}"], keepdims=0),
            helper.make_node("Neg", [f"s{axis}"], [f"n{axis}"]),
            helper.make_node("Exp", [f"n{axis}"], [f"e{axis}"]),
            helper.make_node("Unsqueeze", [f"e{axis}", f"a{axis}"], [f"u{axis}"]),
        ]
    nodes.append(helper.make_node("Mul", ["u0", "u1"], ["y"]))
    return onnx_models.build(
        nodes, {"x": ("FP32", names)}, {"y": ("FP32", (None, None))}, axes, opset=17
    )


def test_memory_is_not_planned_by_names_that_say_nothing(load: Load) -> None:
    """Sizes that are all called `?` would make ONNX Runtime lend memory that is too small."""
    contract = Contract(specs(x=("FP32", (-1, -1))), specs(y=("FP32", (-1, -1))))
    wide = {"x": np.ones((2, 5), np.float32)}
    content = outer("?", "?")

    assert not size_names.can_plan_memory(reader.read_bytes(content.SerializeToString()))
    with pytest.raises(InferenceFailed, match="attempting to re-use buffer"):
        load(content, contract, reuse_memory=True).run(["y"], wide)

    (found,) = load(content, contract).run(["y"], wide)
    assert found.shape == (2, 5)


def test_memory_that_was_planned_by_a_wrong_name_is_noticed(load: Load) -> None:
    """A name like any other that is not true does not bind: the model is loaded otherwise."""
    contract = Contract(specs(x=("FP32", (-1, -1))), specs(y=("FP32", (-1, -1))))
    feeds = warmup.synthetic(contract)
    content = outer("S", "S")

    with pytest.raises(MemoryPlannedWrongly):
        shapes.shared_sizes(load(content, contract), feeds)

    assert () == shapes.shared_sizes(load(content, contract, reuse_memory=False), feeds)


@pytest.mark.parametrize("build", [onnx_models.total, onnx_models.affine])
def test_true_names_let_memory_be_planned(build: Callable[[], onnx.ModelProto]) -> None:
    """Nothing is given up where names are true."""
    assert size_names.can_plan_memory(reader.read_bytes(build().SerializeToString()))


def test_sizes_that_differ_explain_a_run_that_fails(load: Load) -> None:
    """Where a name was not confirmed, it still tells the client why its sizes do not run."""
    contract = Contract(specs(x=("FP32", (-1, -1, -1))), specs(y=("FP32", (-1, -1, -1))))

    with pytest.raises(InvalidRequest, match=r"found 2 in x.shape\[1\], 3 in x.shape\[2\]"):
        load(square(), contract).run(["y"], {"x": np.ones((1, 2, 3), np.float32)})
