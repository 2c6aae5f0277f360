"""Several calls as one run on a real session: each gets what it would have got alone."""

import onnx
import pytest
from onnx import helper

from modelserver import errors
from modelserver.codec.calls import Codec
from modelserver.inference import batch
from modelserver.model.contract import Contract
from tests.serving import onnx_models
from tests.serving.codecs import request
from tests.serving.jobs import call_of
from tests.serving.loading import Load, specs


def test_batch_gives_each_call_its_own_rows(load: Load) -> None:
    """Calls of several rows come out of a batch as they went in."""
    loaded = load(onnx_models.identity("FP32"))
    first, second = call_of(loaded, [1, 2], [3, 4]), call_of(loaded, [5, 6])

    outcomes = batch.execute(loaded, [first, second])

    assert [[array.tolist() for array in outcome] for outcome in outcomes] == [
        [[[1.0, 2.0], [3.0, 4.0]]],
        [[[5.0, 6.0]]],
    ]


def with_other_rows(node: onnx.NodeProto) -> onnx.ModelProto:
    """Gives same = x, and y of which the node makes more or fewer rows than went in."""
    tensor = ("FP32", ("N", 2))
    nodes = [helper.make_node("Identity", ["x"], ["same"]), node]
    return onnx_models.build(nodes, {"x": tensor}, {"same": tensor, "y": tensor})


@pytest.mark.parametrize(
    ("node", "shape", "alone"),
    [
        (helper.make_node("ReduceMax", ["x"], ["y"], axes=[0], keepdims=1), (1, 2), 1),
        (helper.make_node("Concat", ["x", "x"], ["y"], axis=0), (-1, 2), 2),
    ],
    ids=["fewer", "more"],
)
def test_outputs_of_other_rows_are_not_cut(
    load: Load, node: onnx.NodeProto, shape: tuple[int, ...], alone: int
) -> None:
    """Where a batch gives not as many rows as went in, each call is run alone."""
    outputs = specs(same=("FP32", (-1, 2)), y=("FP32", shape))
    contract = Contract(specs(x=("FP32", (-1, 2))), outputs)
    loaded = load(with_other_rows(node), contract)

    outcomes = batch.execute(loaded, [call_of(loaded, [1, 2]), call_of(loaded, [3, 4])])

    assert [[[[1.0, 2.0]], [[1.0, 2.0]] * alone], [[[3.0, 4.0]], [[3.0, 4.0]] * alone]] == [
        [array.tolist() for array in outcome] for outcome in outcomes
    ]


def test_bad_call_in_a_batch_fails_alone(load: Load) -> None:
    """One client's bad index does not fail the others that ran with it."""
    contract = Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,))))
    loaded = load(onnx_models.pick(), contract)
    codec = Codec(model="sample", release="r1", contract=contract)
    bodies = [request({"shape": [1], "datatype": "INT64", "data": [index]}) for index in (0, 9, 2)]

    first, bad, last = batch.execute(loaded, [codec.decode(body) for body in bodies])

    assert isinstance(bad, errors.InvalidRequest)
    assert [first[0].tolist(), last[0].tolist()] == [[10.0], [30.0]]
