"""Nothing that a client sends ends the process, on servers of models that crash ONNX Runtime."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
import pytest

from tests.serving.conftest import write_release
from tests.serving.native import models

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

LEAST = -(2**63)


def tensor(name: str, shape: list[int], data: list[Any], datatype: str = "FP32") -> dict[str, Any]:
    """An input of a request."""
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def asked(server: "Server", *inputs: dict[str, Any]) -> tuple[int, Any]:
    """The status of an answer, and its first output's shape or its error."""
    answer = server.infer({"inputs": list(inputs)})
    body = answer.json()
    return answer.status_code, body["outputs"][0]["shape"] if "outputs" in body else body["error"]


@pytest.mark.parametrize("batching", [1, 8])
@pytest.mark.parametrize(
    "model",
    [models.recurrent(), models.by_rows(), models.recurrent(op="GRU"), models.by_rows("GRU")],
)
def test_sequences_without_steps_and_batches_without_rows(
    tmp_path: Path, start: "Start", model: onnx.ModelProto, batching: int
) -> None:
    """A recurrent model starts, answers what has no elements with what has none, and lives on."""
    server = start(write_release(tmp_path, model, BATCHING_MAX_SIZE=batching))
    server.until("ready")

    for shape in ([3, 0], [0, 3], [0, 0]):
        assert (200, [*shape, 3]) == asked(server, tensor("x", [*shape, 2], []))
    assert (200, [2, 1, 3]) == asked(server, tensor("x", [2, 1, 2], [1, 2, 3, 4]))
    assert server.stop() == 0


def test_steps_that_the_graph_chooses(tmp_path: Path, start: "Start") -> None:
    """Where the graph itself leaves nothing for an operator that needs something, it says so."""
    server = start(write_release(tmp_path, models.chosen()))
    server.until("ready")

    status, error = asked(server, tensor("x", [2, 1, 2], [-1, -1, -2, -2]))
    assert status == 400
    assert "LSTM needs at least one element in 's'" in error
    assert (200, [1, 1, 3]) == asked(server, tensor("x", [2, 1, 2], [-1, -1, 2, 2]))
    assert server.stop() == 0


def test_the_smallest_number_by_minus_one(tmp_path: Path, start: "Start") -> None:
    """A division that has no answer in its type has some answer, and the others theirs."""
    server = start(write_release(tmp_path, models.divided()))
    server.until("ready")
    numbers = [tensor("a", [3], [LEAST, 7, LEAST], "INT64"), tensor("b", [3], [-1, -2, 1], "INT64")]

    answer = server.infer({"inputs": numbers})

    assert [LEAST, -3, LEAST] == answer.json()["outputs"][0]["data"]
    assert server.stop() == 0
