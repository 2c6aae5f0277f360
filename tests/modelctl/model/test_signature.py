"""Graph against contract: compatible means that every promised request is taken."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_cases import PROMISES
from modelctl.model.signature import Difference, differences, exact_differences
from modelctl.model.tensors import Contract, Graph, TensorSpec

IMAGE = TensorSpec("image", "FP32", (-1, 1, 8))
SCORES = TensorSpec("scores", "FP32", (-1, 10))
GRAPH = Graph(8, {"ai.onnx": 17}, (IMAGE,), (SCORES,))
CONTRACT = Contract((IMAGE,), (SCORES,))

SIZES = st.integers(-1, 3)
TENSORS = st.builds(
    TensorSpec,
    st.sampled_from("abc"),
    st.sampled_from(["FP32", "INT64"]),
    st.lists(SIZES, max_size=3).map(tuple),
)
SIDES = st.lists(TENSORS, min_size=1, max_size=3, unique_by=lambda tensor: tensor.name).map(tuple)


def _told(graph: Graph, contract: Contract = CONTRACT) -> list[str]:
    return [f"{d.what}: {d.found} / {d.expected}" for d in differences(graph, contract)]


def test_the_same_is_compatible() -> None:
    """A graph keeps the contract that says what it has."""
    assert [] == _told(GRAPH)


@pytest.mark.parametrize(
    ("tensor", "told"),
    [
        (replace(IMAGE, name="img"), ["inputs: img / image"]),
        (replace(IMAGE, datatype="UINT8"), ["inputs.image: UINT8 / FP32"]),
        (replace(IMAGE, shape=(-1, 8)), ["inputs.image: [-1, 8] / [-1, 1, 8]"]),
        (replace(IMAGE, shape=(1, 1, 8)), ["inputs.image.shape[0]: 1 / -1 (any size)"]),
        (replace(IMAGE, shape=(-1, 1, 9)), ["inputs.image.shape[2]: 9 / 8"]),
        (replace(IMAGE, shape=(-1, -1, -1)), []),
        (
            replace(IMAGE, datatype="UINT8", shape=(4, 3, 8)),
            [
                "inputs.image: UINT8 / FP32",
                "inputs.image.shape[0]: 4 / -1 (any size)",
                "inputs.image.shape[1]: 3 / 1",
            ],
        ),
    ],
)
def test_an_input_that_differs(tensor: TensorSpec, told: list[str]) -> None:
    """Name, datatype, dimensions and sizes have to fit; the graph may take more sizes."""
    assert told == _told(replace(GRAPH, inputs=(tensor,)))


@pytest.mark.parametrize(("side", "promised", "found", "kept"), PROMISES)
def test_sizes_go_together_as_for_the_server(
    side: str, promised: tuple[int, ...], found: tuple[int, ...], *, kept: bool
) -> None:
    """Inputs may be wider than promised, outputs narrower."""
    tensor = IMAGE if side == "inputs" else SCORES
    graph = replace(GRAPH, **{side: (replace(tensor, shape=found),)})
    contract = replace(CONTRACT, **{side: (replace(tensor, shape=promised),)})

    assert kept is not any(differences(graph, contract))


def test_an_input_that_nobody_sends() -> None:
    """An input that the contract does not have cannot be fed; an output may be left over."""
    mask = TensorSpec("mask", "BOOL", (-1,))

    assert ["inputs: mask / only image"] == _told(replace(GRAPH, inputs=(IMAGE, mask)))
    assert [] == _told(replace(GRAPH, outputs=(mask, SCORES)))


def test_places_point_into_both_files() -> None:
    """A difference says where it stands in the graph and in the contract."""
    graph = replace(
        GRAPH, inputs=(TensorSpec("other", "BOOL", ()), replace(IMAGE, shape=(-1, 2, 8)))
    )
    contract = Contract((IMAGE, TensorSpec("other", "BOOL", ())), (SCORES,))
    (difference,) = differences(graph, contract)

    assert ("inputs", 1, "shape", 1) == difference.found_at
    assert ("inputs", 0, "shape", 1) == difference.expected_at


def test_exact_differences() -> None:
    """What is recorded of a file has to be all that the file has, and nothing else."""
    actual = Graph(9, {"ai.onnx": 18, "com.microsoft": 1}, (replace(IMAGE, shape=(-1, -1, 8)),), ())

    assert [
        Difference("ir_version", "8", "9", ("ir_version",), ()),
        Difference("opset of ai.onnx", "17", "18", ("opsets", "ai.onnx"), ()),
        Difference("opset of com.microsoft", "none", "1", ("opsets", "com.microsoft"), ()),
        Difference(
            "inputs.image.shape[1]",
            "1",
            "-1 (any size)",
            ("inputs", 0, "shape", 1),
            ("inputs", 0, "shape", 1),
        ),
        Difference("outputs", "scores", "only none", ("outputs", 0, "name"), ("outputs",)),
    ] == list(exact_differences(GRAPH, actual))


@given(SIDES, SIDES)
def test_a_graph_is_exactly_itself(
    inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]
) -> None:
    """Nothing separates a graph from itself, and what is exact is compatible."""
    graph = Graph(8, {"ai.onnx": 17}, inputs, outputs)

    assert [] == list(exact_differences(graph, graph))
    assert [] == list(differences(graph, Contract(inputs, outputs)))


@given(SIDES, SIDES)
def test_compatible_graphs_take_every_promised_shape(
    promised: tuple[TensorSpec, ...], taken: tuple[TensorSpec, ...]
) -> None:
    """Without a difference, any sizes that a contract admits are sizes that the graph takes."""
    graph = Graph(8, {"ai.onnx": 17}, taken, (SCORES,))
    found = list(differences(graph, Contract(promised, (SCORES,))))
    by_name = {tensor.name: tensor for tensor in taken}
    fits = {tensor.name for tensor in promised} == set(by_name) and all(
        tensor.datatype == by_name[tensor.name].datatype
        and len(tensor.shape) == len(by_name[tensor.name].shape)
        and all(
            size in {-1, wanted}
            for size, wanted in zip(by_name[tensor.name].shape, tensor.shape, strict=True)
        )
        for tensor in promised
    )

    assert fits == (not found)
