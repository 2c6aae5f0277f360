"""Pruning and quantisation of real graphs, by the real quantiser."""

import numpy as np
import onnx
import pytest
from onnx import helper

from modelctl.errors import UsageError
from modelctl.packaging import prune, quantise, running, savings, slimming
from modelctl.packaging.slimming import Plan
from tests.modelctl.packaging import nets

ROWS = {"x": nets.rows(400)}
WIDE = nets.network(500, width=64)
WIDE_ROWS = {"x": nets.rows(400, 64)}
Node = tuple[str, list[str], list[str], dict[str, int]]
LAYOUTS: dict[str, dict[str, bool]] = {
    "gemm": {},
    "turned": {"transposed": True},
    "split": {"is_split": True},
}


def sizes(model: bytes) -> dict[str, list[int]]:
    """The shape of each constant."""
    graph = onnx.load_from_string(model).graph
    return {each.name: list(each.dims) for each in graph.initializer}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_prunes_whole_units(layout: str) -> None:
    """Rows, columns and biases of the units that say least are gone; the graph is valid."""
    model = nets.network(20, **LAYOUTS[layout])
    smaller, removed = prune.pruned(model, 0.25, ROWS)

    assert ("w1: 20 units, now 15",) == removed
    assert {"w1": 90, "b1": 15, "w2": 45, "b2": 3} == {
        name: int(np.prod(shape)) for name, shape in sizes(smaller).items()
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_prunes_units_without_say_for_nothing(layout: str) -> None:
    """Units that nothing follows from, and units that never vary, cost nothing when they go."""
    model = onnx.load_from_string(nets.network(20, **LAYOUTS[layout]))
    arrays = {
        each.name: onnx.numpy_helper.to_array(each).copy() for each in model.graph.initializer
    }
    turned = layout == "turned"
    w1, w2 = (arrays["w1"].T, arrays["w2"].T) if turned else (arrays["w1"], arrays["w2"])
    w2[3:6] = 0.0
    w1[:, 10:12] = 0.0
    for each in model.graph.initializer:
        each.CopyFrom(onnx.numpy_helper.from_array(arrays[each.name], each.name))
    whole = model.SerializeToString()
    smaller, _ = prune.pruned(whole, 0.25, ROWS)

    np.testing.assert_allclose(
        running.run(whole, ROWS)["scores"], running.run(smaller, ROWS)["scores"], atol=1e-5
    )


def test_prunes_the_hidden_layers_of_a_deep_network() -> None:
    """Each hidden layer loses its share; inputs and outputs keep their sizes."""
    names = ["x", "a", "b", "c"]
    nodes, constants = [], {}
    for layer, (inputs, outputs) in enumerate([(6, 10), (10, 8), (8, 3)]):
        constants[f"w{layer}"] = nets.weights(inputs, outputs, seed=layer)
        made = f"h{layer}" if layer < 2 else "c"
        nodes.append(helper.make_node("MatMul", [names[layer], f"w{layer}"], [made]))
        if layer < 2:
            nodes.append(helper.make_node("Sigmoid", [made], [names[layer + 1]]))
    smaller, removed = prune.pruned(nets.model(nodes, ("x", 6), ("c", 3), **constants), 0.5, ROWS)

    assert {"w0": [6, 5], "w1": [5, 4], "w2": [4, 3]} == sizes(smaller)
    assert 2 == len(removed)


@pytest.mark.parametrize(
    "nodes",
    [
        [("Gemm", ["x", "w1"], ["y"], {})],
        [("Gemm", ["x", "w1"], ["h"], {}), ("Softmax", ["h"], ["a"], {}),
         ("Gemm", ["a", "w2"], ["y"], {})],
        [("Gemm", ["x", "w1"], ["h"], {}), ("Relu", ["h"], ["a"], {}),
         ("Gemm", ["a", "w2"], ["o"], {}), ("Add", ["o", "h"], ["y"], {})],
        [("Gemm", ["x", "w1"], ["h"], {}), ("Gemm", ["x", "w1"], ["g"], {}),
         ("Add", ["h", "g"], ["y"], {})],
    ],
    ids=["one layer", "mixing activation", "seen by others", "shared weights"],
)  # fmt: skip
def test_leaves_what_it_does_not_understand(nodes: list[Node]) -> None:
    """Where units do not stand alone, nothing is removed, and what is looked for is said."""
    made = [helper.make_node(kind, ins, outs, **rest) for kind, ins, outs, rest in nodes]
    model = nets.model(made, ("x", 6), ("y", 6), w1=nets.weights(6, 6), w2=nets.weights(6, 6))

    with pytest.raises(UsageError, match="found no hidden dense layer"):
        prune.pruned(model, 0.5, ROWS)


@pytest.mark.parametrize("kind", ["dynamic", "static"])
def test_quantises_to_the_same_bytes_twice(kind: str) -> None:
    """The weights are in 8 bits, names and labels stay, and the outcome does not vary."""
    once = quantise.quantised(WIDE, kind, WIDE_ROWS)

    assert len(once) < len(WIDE) / 2
    assert once == quantise.quantised(WIDE, kind, WIDE_ROWS)
    assert 2 > savings.loss_percent(running.run(WIDE, WIDE_ROWS), running.run(once, WIDE_ROWS))


def test_says_where_there_is_nothing_to_quantise() -> None:
    """A graph without dense layers is refused with what was looked for."""
    model = nets.model([helper.make_node("Relu", ["x"], ["y"])], ("x", 6), ("y", 6))

    with pytest.raises(UsageError, match="found no MatMul or Gemm or Conv"):
        quantise.quantised(model, "static", ROWS)


def test_keeps_each_stage_that_pays() -> None:
    """Pruned, then quantised: for size both pay; the table has before and after."""
    reference = running.run(WIDE, WIDE_ROWS)
    found = slimming.slimmed(
        WIDE, WIDE_ROWS, reference, truth=None, plan=Plan("auto", 0.4, "size", max_loss_percent=30)
    )

    assert ("pruned 40 %", "static") == found.kept
    assert found.is_quantised
    assert ["variant", "original", "pruned", "static", "dynamic"] == [
        line.split()[0] for line in found.lines
    ]


def test_keeps_the_original_where_nothing_pays() -> None:
    """A loss that is not allowed, or no gain in the aim, leaves the model as it is."""
    reference = running.run(WIDE, WIDE_ROWS)
    found = slimming.slimmed(
        WIDE,
        WIDE_ROWS,
        reference,
        truth=None,
        plan=Plan("static", 0.9, "size", max_loss_percent=1e-9),
    )

    assert (WIDE, ()) == (found.model, found.kept)


def test_refuses_labels_that_are_not_of_the_samples() -> None:
    """The truth has a value for each row."""
    with pytest.raises(UsageError, match="found 3 labels, expected one for each of 400 samples"):
        slimming.slimmed(
            nets.network(4), ROWS, {}, truth=np.zeros(3), plan=Plan("auto", None, "size", 1.0)
        )
