"""The OpenAPI document of a running server, as the contract of the model it serves."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from modelserver.http import json_schemas
from modelserver.http.status import STATUS
from modelserver.model.contract import Contract
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec
from tests.serving import onnx_models
from tests.serving.conftest import write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

X = {"name": "x", "shape": [2, 4], "datatype": "FP32", "data": [0.5] * 8}


@pytest.fixture(scope="module")
def document(affine_server: "Server") -> dict[str, Any]:
    """The document of a server of one FP32 input x of [-1, 4] and one output y of [-1, 3]."""
    found: dict[str, Any] = affine_server.client.get(f"{affine_server.url}/openapi.json").json()
    return found


def contract(*inputs: tuple[str, str, tuple[int, ...]]) -> Contract:
    """A contract of these inputs, whose outputs are the same."""
    specs = tuple(TensorSpec(name, DATATYPES[kind], shape) for name, kind, shape in inputs)
    return Contract(specs, specs)


def accepts(schema: dict[str, Any], value: object) -> bool:
    """Whether a value is of a schema."""
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def test_names_the_served_model_and_release(document: dict[str, Any]) -> None:
    """Path parameters allow the only values that are not answered 404."""
    path = document["paths"]["/v2/models/{name}/versions/{release}/infer"]["post"]
    allowed = {each["name"]: each["schema"] for each in path["parameters"] if each["in"] == "path"}

    assert allowed == {"name": {"enum": ["sample"]}, "release": {"enum": ["r1"]}}


def test_path_without_release_takes_none(document: dict[str, Any]) -> None:
    """Where the path has no release, no query parameter stands in for it."""
    operation = document["paths"]["/v2/models/{name}"]["get"]

    assert [each["name"] for each in operation["parameters"]] == ["name"]


def test_query_does_not_choose_a_release(affine_server: "Server") -> None:
    """Only the path names a release; a query is ignored as any other is."""
    response = affine_server.client.get(f"{affine_server.url}/v2/models/sample?release=r9")

    assert response.status_code == 200


def test_every_error_of_inference_is_described(document: dict[str, Any]) -> None:
    """No status that a request error leads to is missing, each with the error's schema."""
    responses = document["paths"]["/v2/models/{name}/infer"]["post"]["responses"]
    codes = {str(code) for code in STATUS.values()} - {"499"}
    schemas = {responses[code]["content"]["application/json"]["schema"]["$ref"] for code in codes}

    assert {"200", *codes} == responses.keys()
    assert schemas == {"#/components/schemas/Error"}


def test_every_answer_has_the_headers_it_is_said_to_have(
    affine_server: "Server", document: dict[str, Any]
) -> None:
    """The request id stands with every answer; the binary extension's length with inference."""
    responses = [
        answer
        for operations in document["paths"].values()
        for operation in operations.values()
        for answer in operation["responses"].values()
    ]
    infer = document["paths"]["/v2/models/{name}/infer"]["post"]

    assert all("X-Request-Id" in answer["headers"] for answer in responses)
    assert "Inference-Header-Content-Length" in infer["responses"]["200"]["headers"]
    assert "Inference-Header-Content-Length" in {each["name"] for each in infer["parameters"]}
    assert affine_server.client.get(f"{affine_server.url}/docs").status_code == 200


def test_example_is_answered_as_described(
    affine_server: "Server", document: dict[str, Any]
) -> None:
    """The document's own request works, and its answer is of the answer's schema."""
    schemas = document["components"]["schemas"]
    (example,) = schemas["InferRequest"]["examples"]
    response = affine_server.infer(example)

    assert response.status_code == 200
    assert accepts(schemas["InferRequest"], example)
    assert accepts(schemas["InferResponse"], response.json())


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, True),
        ({"data": [[0.5] * 4] * 2}, True),
        ({"parameters": {"note": "any"}}, True),
        ({"name": "z"}, False),
        ({"datatype": "FP64"}, False),
        ({"shape": [2, 5]}, False),
        ({"shape": [8]}, False),
        ({"shape": [-2, 4]}, False),
        ({"data": ["a"] * 8}, False),
        ({"data": [[0.5] * 3] * 2}, False),
        ({"data": [1e39] * 8}, False),
        ({"parameters": {"note": []}}, False),
    ],
)
def test_document_and_server_agree(
    affine_server: "Server",
    document: dict[str, Any],
    change: dict[str, Any],
    allowed: bool,  # noqa: FBT001
) -> None:
    """What the schema of a request forbids the server refuses, and the reverse."""
    body = {"inputs": [X | change]}

    assert accepts(document["components"]["schemas"]["InferRequest"], body) is allowed
    assert affine_server.infer(body).status_code == (200 if allowed else 400)


def test_several_inputs_come_in_any_order_and_each_once() -> None:
    """Every input is needed, none may come twice."""
    schema = json_schemas.infer_request(contract(("a", "INT8", (-1,)), ("b", "BYTES", (-1,))))
    a, b = (
        {"name": name, "shape": [1], "datatype": kind, "data": data}
        for name, kind, data in (("a", "INT8", [-128]), ("b", "BYTES", ["text"]))
    )

    assert [accepts(schema, {"inputs": inputs}) for inputs in ([a, b], [b, a])] == [True, True]
    assert [accepts(schema, {"inputs": inputs}) for inputs in ([a], [a, a], [a, b, b])] == [
        False
    ] * 3


@pytest.mark.parametrize("datatype", DATATYPES)
def test_example_of_each_datatype_is_of_its_schema(datatype: str) -> None:
    """Whatever the datatype, and for scalars too, the example keeps the schema it stands in."""
    schema = json_schemas.infer_request(contract(("x", datatype, ()), ("y", datatype, (-1, 2))))

    jsonschema.Draft202012Validator.check_schema(schema)

    assert accepts(schema, schema["examples"][0])


@pytest.mark.parametrize(
    ("datatype", "value", "allowed"),
    [
        ("UINT8", 255, True),
        ("UINT8", 256, False),
        ("UINT64", 2**64 - 1, True),
        ("UINT64", 2**64, False),
        ("INT64", -(2**63), True),
        ("FP16", 65504, True),
        ("FP16", 65520, False),
        ("BOOL", True, True),
        ("BOOL", 1, False),
        ("BYTES", 1, False),
    ],
)
def test_ranges_are_those_of_the_datatype(datatype: str, value: object, allowed: bool) -> None:  # noqa: FBT001
    """The schema of an element ends where the datatype does."""
    assert accepts(json_schemas.element(DATATYPES[datatype]), value) is allowed


def test_nan_in_an_answer_is_described(tmp_path: Path, start: "Start") -> None:
    """Where JSON cannot say a number the answer's schema allows the null that stands for it."""
    server = start(write_release(tmp_path, onnx_models.logarithm()))
    server.until("ready")
    schemas = server.client.get(f"{server.url}/openapi.json").json()["components"]["schemas"]
    (tensor,) = schemas["InferRequest"]["examples"][0]["inputs"]
    answer = server.infer({"inputs": [tensor | {"data": [-1.0] * len(tensor["data"])}]}).json()

    assert None in answer["outputs"][0]["data"]
    assert accepts(schemas["InferResponse"], answer)
