"""The protocol's REST surface, against a real server process."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from modelserver.errors import RequestError
from modelserver.http.status import STATUS
from tests.serving.codecs import request

if TYPE_CHECKING:
    from tests.serving.conftest import Server
from tests.serving.asking import GOOD, ROW, expected


def test_answer_is_what_onnx_runtime_gives(affine_server: "Server") -> None:
    """Numbers, shape, names and id of an answer."""
    response = affine_server.infer(GOOD | {"id": "seven"}, headers={"x-request-id": "abc"})
    answer = response.json()

    assert response.status_code == 200
    assert response.headers["x-request-id"] == "abc"
    assert (answer["model_name"], answer["model_version"], answer["id"]) == (
        "sample",
        "r1",
        "seven",
    )
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("y", "FP32", [1, 3])
    assert np.array_equal(np.array([output["data"]], np.float32), expected([ROW]))


def test_release_may_be_named(affine_server: "Server") -> None:
    """The path with the release leads to the same model."""
    response = affine_server.client.post(
        f"{affine_server.url}/v2/models/sample/versions/r1/infer", json=GOOD
    )

    assert response.status_code == 200


def test_large_request_comes_in_parts(affine_server: "Server") -> None:
    """A body that arrives in many pieces is answered like one that arrives whole."""
    rows = [[float(row), 1.0, 2.0, 3.0] for row in range(20_000)]
    body = {"inputs": [{"name": "x", "shape": [20_000, 4], "datatype": "FP32", "data": rows}]}
    (output,) = affine_server.infer(body, timeout=30).json()["outputs"]

    found = np.array(output["data"], np.float32).reshape(output["shape"])

    assert np.allclose(found, expected(rows), rtol=1e-5)


def test_many_clients_get_their_own_numbers(affine_server: "Server") -> None:
    """Answers are never mixed up between requests that ran as one batch."""
    rows = [[float(number), 1.0, -float(number), 0.5] for number in range(200)]
    wanted = expected(rows)
    before = affine_server.metric("modelserver_batch_rows_count")

    def one(number: int) -> bool:
        body = {"inputs": [GOOD["inputs"][0] | {"data": rows[number]}]}
        data = client.post(url, json=body).json()
        return np.allclose(data["outputs"][0]["data"], wanted[number], rtol=1e-5)

    url = f"{affine_server.url}/v2/models/sample/infer"
    with httpx.Client() as client, ThreadPoolExecutor(16) as pool:
        right = list(pool.map(one, range(200)))

    assert right == [True] * 200
    assert affine_server.metric("modelserver_batch_rows_count") - before <= 200


def test_metadata(affine_server: "Server") -> None:
    """Server and model say what they are."""
    client, url = affine_server.client, affine_server.url
    server = client.get(f"{url}/v2").json()
    model = client.get(f"{url}/v2/models/sample").json()

    assert (server["name"], server["extensions"]) == ("modelserver", ["binary_tensor_data"])
    assert model == client.get(f"{url}/v2/models/sample/versions/r1").json()
    assert model["versions"] == ["r1"]
    assert model["platform"] == "onnxruntime_onnx"
    assert model["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]
    assert model["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}]
    assert model["parameters"]["batching"] == "up to 8 rows, never waits"


@pytest.mark.parametrize(
    "path",
    [
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/sample/ready",
        "/v2/models/sample/versions/r1/ready",
    ],
)
def test_health(affine_server: "Server", path: str) -> None:
    """A serving process is live and ready everywhere."""
    response = affine_server.client.get(affine_server.url + path)

    assert response.status_code == 200
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/v2/models/other/infer", 404, "model: found 'other', expected 'sample'"),
        ("POST", "/v2/models/sample/versions/r9/infer", 404, "release: found 'r9', expected 'r1'"),
        ("GET", "/v2/models/other", 404, "model: found 'other'"),
        ("GET", "/v2/models/other/ready", 404, "model: found 'other'"),
        ("GET", "/v2/models/sample/versions/r9", 404, "release: found 'r9'"),
        ("GET", "/v2/models/sample/versions/r9/ready", 404, "release: found 'r9'"),
        ("GET", "/nothing", 404, "path: found /nothing"),
        ("GET", "/v2/models/sample/infer", 405, "method: found GET"),
        ("PUT", "/v2/models/sample/infer", 405, "method: found PUT"),
        ("POST", "/v2", 405, "method: found POST"),
    ],
)
def test_wrong_path_or_method(
    affine_server: "Server", method: str, path: str, status: int, message: str
) -> None:
    """What is not there is told apart from what may not be done, always as JSON."""
    response = affine_server.client.request(method, affine_server.url + path)

    assert response.status_code == status
    assert response.json()["error"].startswith(message)


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (b"", {}, 400, "body: the JSON text ends early"),
        (b"{", {}, 400, "body: the JSON text ends early"),
        (b'{"inputs":' + b"[" * 100_000, {}, 400, "inputs[0][0][0][0][0]...: nested too deeply"),
        (b"\x00\xff", {}, 400, "body: not JSON at byte 0"),
        (
            request({"shape": [1, 4], "data": [1, 2, 3, None]}),
            {},
            400,
            "inputs[0].data[3]: found null, expected a number",
        ),
        (
            request({"shape": [1, 4], "data": [1, 2, 3, float("nan")]}),
            {},
            400,
            "inputs[0].data[3]: found NaN",
        ),
        (request({"shape": [1, 4]}), {}, 400, "inputs[0].data: found 2 elements, expected 4"),
        (
            request({"shape": [1, 4]}),
            {"content-type": "text/plain"},
            415,
            "header Content-Type: found 'text/plain', expected application/json",
        ),
        (
            request({"shape": [1, 4]}),
            {"content-encoding": "br"},
            415,
            "header Content-Encoding: found 'br', expected one of gzip, x-gzip, deflate, zstd",
        ),
        (
            request({"shape": [1, 4]}),
            {"content-encoding": "gzip"},
            400,
            "body: is not what Content-Encoding says: ",
        ),
        (
            request({"shape": [1, 4]}),
            {"inference-header-content-length": "many"},
            400,
            "header Inference-Header-Content-Length: found 'many'",
        ),
        (
            request({"shape": [1, 4]}),
            {"x-request-timeout-ms": "soon"},
            400,
            "header X-Request-Timeout-Ms: found 'soon', expected a whole number of milliseconds",
        ),
        (
            request({"shape": [1, 4]}),
            {"inference-header-content-length": "99999"},
            400,
            "header Inference-Header-Content-Length: found 99999",
        ),
    ],
)
def test_bad_request(
    affine_server: "Server", body: bytes, headers: dict[str, str], status: int, message: str
) -> None:
    """Each mistake is answered with its status and its place, and the server goes on."""
    response = affine_server.client.post(
        f"{affine_server.url}/v2/models/sample/infer",
        content=body,
        headers={"content-type": "application/json"} | headers,
    )

    assert response.status_code == status
    assert response.json()["error"].startswith(message)
    assert affine_server.infer(GOOD).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"]
)
def test_content_type_may_have_parameters(affine_server: "Server", content_type: str) -> None:
    """The media type counts, not how it is written."""
    response = affine_server.client.post(
        f"{affine_server.url}/v2/models/sample/infer",
        content=json.dumps(GOOD),
        headers={"content-type": content_type},
    )

    assert response.status_code == 200


def test_binary_tensors(affine_server: "Server") -> None:
    """Tensors after the JSON, both ways."""
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32"}
    tensor["parameters"] = {"binary_data_size": 16}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    response = affine_server.client.post(
        f"{affine_server.url}/v2/models/sample/infer",
        content=head + np.array(ROW, np.float32).tobytes(),
        headers={"inference-header-content-length": str(len(head))},
    )
    json_bytes = int(response.headers["inference-header-content-length"])

    found = np.frombuffer(response.content[json_bytes:], np.float32)

    assert response.headers["content-type"] == "application/octet-stream"
    assert np.array_equal(found, expected([ROW])[0])


def test_every_request_error_has_a_status() -> None:
    """No error of a request is without its line in the table."""
    pending, leaves = [RequestError], set()
    while pending:
        children = pending.pop().__subclasses__()
        leaves.update(children)
        pending += children

    assert leaves == set(STATUS)
