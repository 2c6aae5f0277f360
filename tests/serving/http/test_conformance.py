"""Every datatype and many kinds of models, from a client's bytes to the answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from modelserver.codec.binary import to_bytes
from modelserver.errors import ModelUnsupported
from modelserver.model import session
from modelserver.model.contract import Contract
from modelserver.tensor import bfloat16
from modelserver.tensor.datatypes import DATATYPES, Array
from modelserver.tensor.spec import TensorSpec
from tests.serving import onnx_models
from tests.serving.conftest import start_server, write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

VALUES: dict[str, list[Any]] = {
    "BOOL": [True, False, True, True],
    "BYTES": ["", "é", "a\u0000b", "long " * 50],
    "FP16": [0.5, -65504.0, 0.0, 1.0],
    "BF16": [0.5, -2.0, 0.0, 1.0],
    "UINT64": [2**64 - 1, 0, 1, 2],
    "INT64": [-(2**63), 2**63 - 1, 0, 1],
}
SHAPES = ([2, 2], [1, 4], [0, 3], [4, 1])


def many(names: Sequence[str]) -> onnx.ModelProto:
    """One output for each input, one of each datatype, any shape of two dimensions."""
    nodes = [onnx.helper.make_node("Identity", [f"x{n}"], [f"y{n}"]) for n in names]
    inputs = {f"x{name}": (name, (f"N{name}", f"M{name}")) for name in names}
    return onnx_models.build(nodes, inputs, {f"y{name}": (name, ("N", "M")) for name in names})


@dataclass(frozen=True)
class Many:
    """A ready server of a model with one input of each of its datatypes."""

    server: "Server"
    names: tuple[str, ...]

    def tensors(self, shape: Sequence[int]) -> dict[str, list[Any]]:
        """Values of every datatype for a shape."""
        size = shape[0] * shape[1]
        return {name: VALUES.get(name, [0, 1, 2, 100])[:size] for name in self.names}

    def inputs(self, shape: Sequence[int]) -> list[dict[str, Any]]:
        """The same as inputs of a request."""
        return [
            {"name": f"x{name}", "datatype": name, "shape": shape, "data": data}
            for name, data in self.tensors(shape).items()
        ]


@pytest.fixture(scope="module", params=["BF16", "BYTES"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    """Every datatype but one: BF16 and BYTES cannot be inputs of one model."""
    folder = tmp_path_factory.mktemp("datatypes")
    names = tuple(name for name in DATATYPES if name != request.param)
    one = start_server(write_release(folder, many(names)), folder / "server.log")
    one.until("ready")
    yield Many(one, names)
    one.close()


def array_of(datatype: str, values: list[Any]) -> Array:
    """The values as the server keeps them."""
    if datatype == "BF16":
        return bfloat16.to_bits(np.array(values, np.float32))
    return np.array(values, DATATYPES[datatype].dtype)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_datatype_as_json(served: Many, shape: list[int]) -> None:
    """Each comes back as it went, empty tensors too, in the order of the model's outputs."""
    answer = served.server.infer({"id": "7", "inputs": served.inputs(shape)}).json()

    assert answer["id"] == "7"
    assert answer["outputs"] == [
        {"name": f"y{name}", "datatype": name, "shape": shape, "data": data}
        for name, data in served.tensors(shape).items()
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_datatype_as_binary(served: Many, shape: list[int]) -> None:
    """The same as bytes, one tensor after the other."""
    contents = [
        bytes(to_bytes(DATATYPES[name], array_of(name, data)))
        for name, data in served.tensors(shape).items()
    ]
    inputs = served.inputs(shape)
    for tensor, content in zip(inputs, contents, strict=True):
        del tensor["data"]
        tensor["parameters"] = {"binary_data_size": len(content)}
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    response = served.server.client.post(
        f"{served.server.url}/v2/models/sample/infer",
        content=head + b"".join(contents),
        headers={"inference-header-content-length": str(len(head))},
    )
    size = int(response.headers["inference-header-content-length"])

    outputs = json.loads(response.content[:size])["outputs"]

    assert response.content[size:] == b"".join(contents)
    assert [each["parameters"]["binary_data_size"] for each in outputs] == list(map(len, contents))
    assert {tuple(each["shape"]) for each in outputs} == {tuple(shape)}


def test_outputs_are_selected_in_the_client_s_order(served: Many) -> None:
    """Only what is asked for, each in the form asked for; other parameters change nothing."""
    outputs = [
        {"name": "yINT8", "parameters": {"binary_data": True, "other": 1.5}},
        {"name": "yINT64"},
    ]
    response = served.server.infer(
        {"inputs": served.inputs([1, 4]), "outputs": outputs, "parameters": {"any": "thing"}}
    )
    size = int(response.headers["inference-header-content-length"])

    found = json.loads(response.content[:size])["outputs"]

    assert [each["name"] for each in found] == ["yINT8", "yINT64"]
    assert response.content[size:] == bytes([0, 1, 2, 100])
    assert found[1]["data"] == VALUES["INT64"]


def test_bf16_beside_bytes_is_refused(tmp_path: Path) -> None:
    """What ONNX Runtime cannot be given together is named when the model is loaded."""
    path = tmp_path / "model.onnx"
    names = ("BF16", "BYTES")
    path.write_bytes(many(names).SerializeToString())
    specs = [[TensorSpec(f"{s}{n}", DATATYPES[n], (-1, -1)) for n in names] for s in "xy"]

    with pytest.raises(ModelUnsupported, match="found a BYTES input beside BF16 tensors"):
        session.load(path, Contract(*map(tuple, specs)), providers=["cpu"], threads=1)


@pytest.mark.parametrize("data", [7, [7]])
def test_scalar(tmp_path: Path, start: "Start", data: Any) -> None:  # noqa: ANN401
    """A tensor without dimensions holds one element, in an array or bare."""
    server = start(write_release(tmp_path, onnx_models.identity("INT32", ())))
    server.until("ready")
    response = server.infer(
        {"inputs": [{"name": "x", "shape": [], "datatype": "INT32", "data": data}]}
    )

    (output,) = response.json()["outputs"]

    assert (response.status_code, output["shape"], output["data"]) == (200, [], [7])


def test_model_without_inputs(tmp_path: Path, start: "Start") -> None:
    """An empty list of inputs is a whole request for a model that takes none."""
    server = start(write_release(tmp_path, onnx_models.constant(), BATCHING_MAX_SIZE=4))
    server.until("ready")

    answer = server.infer({"inputs": []}).json()

    assert answer["outputs"][0]["data"] == [1, 2]


@pytest.mark.parametrize(("named", "wanted"), [(False, [11, 22]), (True, [4, 6])])
def test_initializer_as_input(
    tmp_path: Path,
    start: "Start",
    named: bool,  # noqa: FBT001
    wanted: list[int],
) -> None:
    """An input with a default keeps it, unless the contract names it: then a client gives it."""
    tensor = {"datatype": "FP32", "shape": [-1, 2]}
    inputs = [tensor | {"name": "x"}, {"name": "w", "datatype": "FP32", "shape": [2]}][: 1 + named]
    contract = json.dumps({"inputs": inputs, "outputs": [tensor | {"name": "y"}]})
    server = start(write_release(tmp_path, onnx_models.with_default(), CONTRACT=contract))
    server.until("ready")
    given = [
        {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]},
        {"name": "w", "shape": [2], "datatype": "FP32", "data": [3, 4]},
    ]

    answer = server.infer({"inputs": given[: 1 + named]}).json()

    assert answer["outputs"][0]["data"] == wanted


@pytest.mark.parametrize("inputs", [("x",), ("x", "o")])
def test_optional_input_is_refused(tmp_path: Path, inputs: tuple[str, ...]) -> None:
    """What the protocol cannot carry is named when the model is loaded, in the contract or not."""
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_models.optional().SerializeToString())
    spec = TensorSpec("y", DATATYPES["FP32"], (-1, 2))
    specs = tuple(TensorSpec(name, spec.datatype, spec.shape) for name in inputs)

    with pytest.raises(ModelUnsupported, match=r"inputs\.o: found optional\(tensor\(float\)\)"):
        session.load(path, Contract(specs, (spec,)), providers=["cpu"], threads=1)
