"""What one client gets never depends on what others send at the same time."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from modelserver import errors
from tests.onnx_models import graph, node, value
from tests.serving import onnx_models
from tests.serving.conftest import DEADLINE_S, write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

Feeds = Mapping[str, list[Any]]
ROWS = ("FP32", ("N", 4))
TOGETHER = {"BATCHING_MAX_SIZE": 8, "BATCHING_MAX_DELAY_MS": 50}
_CLIENTS = 4
_TURNS = 15  # of each client: all turns of two kinds of requests meet each other


def _model(
    *nodes: onnx.NodeProto,
    inputs: Mapping[str, Any] | None = None,
    y: Any = ROWS,  # noqa: ANN401 - a datatype and a shape
    **constants: Any,  # noqa: ANN401 - arrays or what becomes one
) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items()]
    return onnx_models.build(nodes, dict(inputs or {"x": ROWS}), {"y": y}, tensors)


def _on_condition() -> onnx.ModelProto:
    then = graph([node("Neg", "x", "t")], [value("t", shape=None)])
    other = graph([node("Abs", "x", "e")], [value("e", shape=None)])
    return _model(
        node("ReduceMax", "x", "m", keepdims=0),
        node("Greater", "m limit", "c"),
        node("If", "c", "y", then_branch=then, else_branch=other),
        limit=np.float32(100),
    )


def _scaled() -> onnx.ModelProto:
    return _model(
        node("ReduceMax", "x", "m"),
        node("Max", "m least", "s"),
        node("Div", "x s", "y"),
        least=np.float32(255),
    )


SMALL, LARGE = {"x": [[1.0, 2, 3, 4]]}, {"x": [[5000.0, 1, 1, 1]]}
KINDS: dict[str, tuple[onnx.ModelProto, Feeds, Feeds]] = {
    "numbers of rows that differ": (
        _model(
            node("Add", "a b", "y"), inputs={"a": ("FP32", ("N", 3)), "b": ("FP32", ("M", 3))},
            y=("FP32", ("K", 3)),
        ),
        {"a": [[1.0, 2, 3]], "b": [[10.0, 20, 30], [40, 50, 60]]},
        {"a": [[-1.0, -2, -3], [-4, -5, -6]], "b": [[0.5, 0.25, 0.125]]},
    ),
    "the largest of all rows": (_scaled(), SMALL, LARGE),
    "a sum of the rows before": (
        _model(node("CumSum", "x axis", "y"), inputs={"x": ("INT64", ("N", 2))},
            y=("INT64", ("N", 2)), axis=np.int64(0)),
        {"x": [[1, 2]]},
        {"x": [[500, 700]]},
    ),
    "a condition on all rows": (_on_condition(), SMALL, LARGE),
    "a row that is named by its place": (
        _model(node("Gather", "x i", "y"), inputs={"x": ROWS, "i": ("INT64", ("N",))}),
        {**SMALL, "i": [0]},
        {**LARGE, "i": [0]},
    ),
}  # fmt: skip


def _body(model: onnx.ModelProto, feeds: Feeds) -> dict[str, Any]:
    types = {each.name: each.type.tensor_type.elem_type for each in model.graph.input}
    names = {number: name for name, number in onnx_models.ONNX_TYPES.items()}
    return {
        "inputs": [
            {"name": name, "datatype": names[types[name]], "shape": np.shape(rows), "data": rows}
            for name, rows in feeds.items()
        ]
    }


def _alone(model: onnx.ModelProto, feeds: Feeds) -> list[float]:
    """What the model gives for these rows and no others."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    kinds = {each.name: each.type.tensor_type.elem_type for each in model.graph.input}
    arrays = {
        name: np.array(rows, helper.tensor_dtype_to_np_dtype(kinds[name]))
        for name, rows in feeds.items()
    }
    numbers: list[float] = session.run(["y"], arrays)[0].ravel().tolist()
    return numbers


def _answers(server: "Server", bodies: Sequence[Any]) -> list[list[Any]]:
    """The numbers that clients get, each of which sends the same again and again."""
    url = f"{server.url}/v2/models/sample/infer"

    def client(body: Any) -> list[Any]:  # noqa: ANN401 - JSON
        with httpx.Client(timeout=DEADLINE_S) as connection:
            answers = [connection.post(url, json=body).json() for _ in range(_TURNS)]
        return [answer["outputs"][0]["data"] for answer in answers]

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return list(pool.map(client, bodies))


@pytest.mark.parametrize("name", KINDS)
def test_answers_are_those_of_the_request_alone(tmp_path: Path, start: "Start", name: str) -> None:
    """Two kinds of requests that meet all the time are each answered from their own rows."""
    model, *kinds = KINDS[name]
    server = start(write_release(tmp_path, model, **TOGETHER))
    server.until("ready")

    found = _answers(server, [_body(model, kinds[each % 2]) for each in range(_CLIENTS)])

    assert [[_alone(model, kinds[each % 2])] * _TURNS for each in range(_CLIENTS)] == found


def test_metadata_names_what_is_in_the_way(tmp_path: Path, start: "Start") -> None:
    """Who wonders why nothing is batched finds the node, and the log says the same."""
    server = start(write_release(tmp_path, _scaled(), **TOGETHER))

    ready = server.until("ready")
    said = server.client.get(f"{server.url}/v2/models/sample").json()["parameters"]

    reason = "ReduceMax 'm': it looks along axis 0, where the rows are"
    assert said["independence"] == ready["independence"] == f"not proven: {reason}"
    assert said["batching"] == f"off: a row may depend on the others: {reason}"


def test_a_claim_that_a_trial_refutes_is_not_followed(tmp_path: Path, start: "Start") -> None:
    """The owner's word alone lets no rows meet that are seen to depend on each other."""
    server = start(write_release(tmp_path, _scaled(), BATCHING_INDEPENDENT="true", **TOGETHER))

    said = server.until("ready")

    assert said["independence"].startswith("claimed by the release, not proven: ReduceMax 'm'")
    assert said["batching"] == "off: a row of y depends on the other rows of its batch"


def test_a_claim_is_followed_where_nothing_is_proven(tmp_path: Path, start: "Start") -> None:
    """An owner may know better than the table of operators."""
    model = _model(node("Einsum", "x", "y", equation="ij"))
    server = start(write_release(tmp_path, model, BATCHING_INDEPENDENT="true", **TOGETHER))

    said = server.until("ready")

    assert said["independence"].startswith("claimed by the release, not proven: Einsum 'y'")
    assert said["batching"].startswith("up to ")


def test_a_graph_that_remembers_is_refused(tmp_path: Path, start: "Start") -> None:
    """A node that keeps statistics of one request for the next ends the start with its name."""
    one = np.ones(4, np.float32)
    model = _model(
        node("BatchNormalization", "x one one one one", "y m v", training_mode=1, name="norm"),
        one=one,
    )
    server = start(write_release(tmp_path, model))

    assert errors.ModelUnsupported.exit_code == server.exit_code()
    assert "node 'norm' is a BatchNormalization" in server.events("start-failed")[0]["detail"]
