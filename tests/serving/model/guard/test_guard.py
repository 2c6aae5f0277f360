"""Graphs with guards: they give what they gave, and fail where they crashed."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from modelserver.errors import DeadlineExceeded, InvalidRequest
from modelserver.model import bounded
from modelserver.model.contract import Contract
from modelserver.model.graph import reader
from modelserver.model.guard import rewrite
from modelserver.model.guard.plan import Guards, Plan, plan
from modelserver.start.warmup import Profile
from modelserver.tensor.datatypes import Array
from onnx_models import called, function, graph, node, value
from tests.serving import onnx_models
from tests.serving.loading import Load, specs
from tests.serving.native import cases
from tests.serving.native.models import chosen, looping, recurrent

Proto = Any  # protobuf messages carry no types here

RECURRENT = Contract(specs(x=("FP32", (-1, -1, 2))), specs(y=("FP32", (-1, -1, 3))))
NUMBERS = Contract(specs(a=("INT64", (-1,)), b=("INT64", (-1,))), specs(y=("INT64", (-1,))))


def planned(model: onnx.ModelProto, *given: str) -> Plan:
    """What a model needs."""
    return plan(reader.read_bytes(model.SerializeToString()), frozenset(given or ("x",)))


@pytest.mark.parametrize("op", ["LSTM", "GRU"])
@pytest.mark.parametrize(
    "before",
    [
        [],
        [node("Identity", "x", "s")],
        [node("Relu", "x", "i"), node("Transpose", "i", "s", perm=[1, 0, 2])],
    ],
)
def test_an_input_that_only_the_client_empties_is_looked_at_before_the_run(
    before: list[onnx.NodeProto], op: str
) -> None:
    """Nothing is put into a graph where elements that come in are elements that arrive."""
    found = planned(recurrent(*before, name="s" if before else "x", op=op))

    assert ({"x"}, {op}, {}) == (found.needed, found.why, found.guards)


def test_an_input_that_the_graph_may_empty_is_looked_at_in_the_run() -> None:
    """A choice among steps may choose none, whatever comes in."""
    found = planned(chosen())

    assert {"h": Guards("LSTM", elements=frozenset({"s"}))} == found.guards


def test_nothing_is_needed_where_nothing_can_crash() -> None:
    """Weights of the file have elements for ever, and most operators mind nothing."""
    for model in (onnx_models.affine(), onnx_models.total(), onnx_models.pick()):
        assert Plan() == planned(model, "x", "a", "b")


def test_a_weight_that_a_client_may_send_is_no_weight() -> None:
    """A tensor with a default that the contract names as an input may come without elements."""
    shape, weight = ("FP32", ("N", 1, None)), ("FP32", (1, 1, None))
    model = onnx_models.build(
        [node("Conv", "x w", "y")],
        {"x": shape, "w": weight},
        {"y": shape},
        [numpy_helper.from_array(np.ones((1, 1, 3), np.float32), "w")],
    )

    assert set() == planned(model, "x").needed
    assert {"w"} == planned(model, "x", "w").needed


def test_an_operator_that_nobody_has_tried_is_named() -> None:
    """Others' operators are tried when the server starts."""
    model = onnx_models.build(
        [node("FastGelu", "x", "y", domain="com.microsoft")],
        {"x": ("FP32", ("N", 2))},
        {"y": ("FP32", ("N", 2))},
    )

    assert {"com.microsoft.FastGelu"} == planned(model).untried


def inner() -> onnx.ModelProto:
    """An If whose branches run an LSTM over the steps that were chosen."""
    model = chosen()
    outer, (lstm, squeeze) = list(model.graph.node[:-2]), model.graph.node[-2:]
    branch = graph([lstm, squeeze], [value("y", shape=None)])
    del model.graph.node[:]
    model.graph.node.extend(
        [
            *outer,
            node("ReduceMax", "x", "top", keepdims=0),
            node("Greater", "top none", "any"),
            node("If", "any", "z", then_branch=branch, else_branch=branch),
        ]
    )
    model.graph.output[0].name = "z"
    return model


def in_function() -> onnx.ModelProto:
    """A function that takes those rows of x which differ, by a Unique that may get no columns."""
    unique = function("F", [node("Unique", "a", "b", axis=0)])
    model = called(unique)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "M"
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "K"
    model.ir_version = 9
    return model


@pytest.mark.parametrize(
    ("build", "contract", "empty"),
    [
        (chosen, RECURRENT, np.zeros((4, 1, 2), np.float32)),
        (
            inner,
            Contract(RECURRENT.inputs, specs(z=("FP32", (-1, -1, 3)))),
            np.zeros((4, 1, 2), np.float32),
        ),
        (
            in_function,
            Contract(specs(x=("FP32", (-1, -1))), specs(y=("FP32", (-1, -1)))),
            np.zeros((3, 0), np.float32),
        ),
    ],
)
def test_a_guard_fails_where_the_run_would_crash(
    load: Load, build: Callable[[], onnx.ModelProto], contract: Contract, empty: Array
) -> None:
    """The client is told which operator needs elements, wherever it stands; others are served."""
    model = load(build(), contract)
    sound = {"x": np.ones((4, *(size or 2 for size in empty.shape[1:])), np.float32)}

    with pytest.raises(InvalidRequest, match="needs at least one element"):
        model.run(contract.output_names, {"x": empty})

    (found,) = model.run(contract.output_names, sound)
    (alone,) = bare_run(build(), sound)
    assert np.array_equal(alone, found)


def bare_run(model: onnx.ModelProto, feeds: dict[str, Any]) -> list[Any]:
    """What ONNX Runtime gives without a server."""
    found: list[Any] = onnxruntime.InferenceSession(model.SerializeToString()).run(None, feeds)
    return found


@pytest.mark.parametrize(("op", "attributes"), [("Div", {}), ("Mod", {}), ("Mod", {"fmod": 1})])
def test_divisions_are_as_they_were(load: Load, op: str, attributes: dict[str, int]) -> None:
    """A guarded division gives the same, and of the smallest number by -1 that number."""
    extremes = [-(2**63), 1 - 2**63, 2**63 - 1, -1, 1, 2, -7]
    tensor = ("INT64", ("N",))
    model = onnx_models.build(
        [node(op, "a b", "y", **attributes)], {"a": tensor, "b": tensor}, {"y": tensor}
    )
    a, b = np.array(list(product([*extremes, 0], extremes)), np.int64).T
    safe = ~((a == -(2**63)) & (b == -1))

    (found,) = load(model, NUMBERS).run(["y"], {"a": a, "b": b})

    assert np.array_equal(bare_run(model, {"a": a[safe], "b": b[safe]})[0], found[safe])
    assert (found[~safe] == (0 if op == "Mod" else -(2**63))).all()


def test_divisions_of_real_numbers_and_by_numbers_of_the_file_are_left_alone() -> None:
    """Only whole numbers by what a client sends, or by -1, can be without an answer."""

    def divides(kind: str, *tensors: onnx.TensorProto) -> dict[str, Guards]:
        tensor = (kind, ("N",))
        inputs = {"a": tensor} if tensors else {"a": tensor, "b": tensor}
        model = onnx_models.build([node("Div", "a b", "y")], inputs, {"y": tensor}, tensors)
        return planned(model, *inputs).guards

    two, minus = (numpy_helper.from_array(np.array([2, each]), "b") for each in (3, -1))

    assert {} == divides("FP32") == divides("UINT8") == divides("INT64", two)
    assert {"y": Guards("Div", element_type=onnx.TensorProto.INT64)} == divides("INT64", minus)
    assert {"y": Guards("Div", element_type=onnx.TensorProto.INT32)} == divides("INT32")


def test_a_loop_without_end_is_ended(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that turns as often as a client says is stopped, and the next one runs."""
    monkeypatch.setattr(bounded, "RUN_LIMIT_S", 0.2)
    contract = Contract(specs(n=("INT64", ()), x=("FP32", (-1,))), specs(y=("FP32", (-1,))))
    model = load(looping(), contract)
    x = np.ones(2, np.float32)

    with pytest.raises(DeadlineExceeded, match="loops as often as the request says"):
        model.run(["y"], {"n": np.array(2**40), "x": x})

    assert [8, 8] == model.run(["y"], {"n": np.array(3), "x": x})[0].tolist()
    assert not Profile(0.0, None, takes_no_rows=True, ends=False).inline


def test_a_loop_of_a_fixed_number_of_turns_ends() -> None:
    """What the file says is the same in every run, and measured at start."""
    model = looping()
    del model.graph.input[0]
    model.graph.initializer.append(numpy_helper.from_array(np.array(3), "n"))

    assert planned(model).ends
    assert not planned(looping(), "n", "x").ends


def test_a_number_that_must_not_be_zero(load: Load) -> None:
    """A transform over windows of no length fails instead of dividing by it."""
    model = onnx_models.build(
        [node("STFT", "x step - n", "y")],
        {"x": ("FP32", (1, 128, 1)), "n": ("INT64", ())},
        {"y": ("FP32", (None, None, None, 2))},
        [numpy_helper.from_array(np.array(8), "step")],
    )
    contract = Contract(
        specs(x=("FP32", (1, 128, 1)), n=("INT64", ())), specs(y=("FP32", (1, -1, -1, 2)))
    )
    x = np.ones((1, 128, 1), np.float32)
    loaded = load(model, contract)

    with pytest.raises(InvalidRequest, match="STFT needs a number other than 0 in 'n'"):
        loaded.run(["y"], {"x": x, "n": np.array(0)})
    assert (1, 15, 9, 2) == loaded.run(["y"], {"x": x, "n": np.array(16)})[0].shape


@pytest.mark.parametrize("case", cases.all_cases()[::9], ids=lambda case: case.name)
def test_a_file_that_is_written_anew_is_the_same_file(case: cases.Case) -> None:
    """Without guards, what is written is what was read."""
    content = case.model.SerializeToString()

    assert case.model == onnx.ModelProto.FromString(rewrite.guarded_bytes(content, {}))


@pytest.mark.parametrize(
    "moved",
    [
        node("Reshape", "r places", "m"),
        node("Gather", "r places", "m"),
        node("Expand", "r places", "m"),
        node("Tile", "r places", "m"),
    ],
    ids=lambda each: each.op_type,
)
def test_whole_numbers_that_say_where_make_no_whole_numbers(
    moved: onnx.NodeProto, load: Load
) -> None:
    """Of a value whose type nothing declares, a shape or an index beside it tells nothing."""
    model = onnx_models.build(
        [node("Relu", "x", "r"), moved, node("ReduceSum", "m", "s"), node("Div", "s x", "y")],
        {"x": ("FP32", (1,))},
        {"y": ("FP32", (1,))},
        [numpy_helper.from_array(np.array([0 if moved.op_type == "Gather" else 1]), "places")],
    )
    contract = Contract(specs(x=("FP32", (1,))), specs(y=("FP32", (1,))))

    (found,) = load(model, contract).run(["y"], {"x": np.array([2.0], np.float32)})

    assert [1.0] == np.ravel(found).tolist()
