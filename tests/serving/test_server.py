"""The protocol's REST surface, against a real server process."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import onnxruntime
import pytest

from modelserver.errors import RequestError
from modelserver.status import STATUS
from tests.serving import onnx_models
from tests.serving.test_codec import request

if TYPE_CHECKING:
    from tests.serving.conftest import Server

ROW = [0.1, -0.2, 0.3, 4.0]
GOOD = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": ROW}]}


def expected(rows: list[list[float]]) -> np.ndarray[Any, Any]:
    """What ONNX Runtime itself gives for rows of x."""
    session = onnxruntime.InferenceSession(
        onnx_models.affine().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    array: np.ndarray[Any, Any] = session.run(["y"], {"x": np.array(rows, np.float32)})[0]
    return array


def raw_answer(server: "Server", *parts: bytes) -> bytes:
    """Everything the server sends on a connection that sends these parts and then waits."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


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
        (b'{"inputs":' + b"[" * 100_000, {}, 400, "inputs[0]: found an array"),
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


@pytest.mark.parametrize(
    ("headers", "role"),
    [
        ({}, "direct"),
        ({"x-model-role": "canary"}, "canary"),
        ({"x-model-role": "stable"}, "stable"),
        ({"x-model-role": "anything"}, "direct"),
        ({"host": "models.example.com-shadow:8080", "x-model-role": "stable"}, "shadow"),
        ({"host": "models.example.com-shadow"}, "shadow"),
    ],
)
def test_requests_are_counted_by_role(
    affine_server: "Server", headers: dict[str, str], role: str
) -> None:
    """The route's role is a label with few values, whatever a client writes."""
    labels = {"role": role, "code": "200", "model": "sample", "release": "r1"}
    before = affine_server.metric("modelserver_requests_total", **labels)
    affine_server.infer(GOOD, headers=headers)

    after = affine_server.metric("modelserver_requests_total", **labels)

    assert after - before == 1


def test_metrics_follow_the_conventions(affine_server: "Server") -> None:
    """Counters end in _total, sizes and times carry their unit, and every series its labels."""
    affine_server.infer(GOOD)
    response = affine_server.client.get(f"{affine_server.url}/metrics")
    text = response.text
    types = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))

    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert [name for name, kind in types.items() if kind == "counter"] == [
        name for name in types if name.endswith("_total")
    ]
    assert types["modelserver_request_duration_seconds"] == "histogram"
    assert types["modelserver_compute_duration_seconds"] == "histogram"
    assert types["modelserver_requests_in_flight"] == "gauge"
    assert 'modelserver_ready{model="sample",release="r1"} 1.0' in text
    assert affine_server.metric("modelserver_requests_in_flight") == 0
    assert affine_server.metric("modelserver_model_info", provider="CPUExecutionProvider") == 1
    assert affine_server.metric("modelserver_model_load_seconds") > 0
    assert affine_server.metric("process_resident_memory_bytes") > 1e6


def test_histogram_counts_every_request(affine_server: "Server") -> None:
    """The last bucket, the count and the requests by status agree."""
    for _ in range(3):
        affine_server.infer(GOOD)
    for step in ("decode", "queue", "encode"):
        assert affine_server.metric(f"modelserver_{step}_duration_seconds_count") >= 3
    assert affine_server.metric("modelserver_queue_depth") == 0
    count = affine_server.metric("modelserver_request_duration_seconds_count")
    last = affine_server.metric("modelserver_request_duration_seconds_bucket", le="+Inf")

    assert count == last == affine_server.metric("modelserver_requests_total")


def test_every_request_error_has_a_status() -> None:
    """No error of a request is without its line in the table."""
    pending, leaves = [RequestError], set()
    while pending:
        children = pending.pop().__subclasses__()
        leaves.update(children)
        pending += children

    assert leaves == set(STATUS)


def test_pipelined_requests_are_answered_in_order(affine_server: "Server") -> None:
    """Two requests in one packet get two answers, one after the other."""
    parts = []
    for name, close in ((b"first", b""), (b"second", b"connection: close\r\n")):
        body = json.dumps(GOOD | {"id": name.decode()}).encode()
        parts.append(
            b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\n%bcontent-length: %d\r\n\r\n%b"
            % (close, len(body), body)
        )

    received = raw_answer(affine_server, b"".join(parts))

    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.index(b'"first"') < received.index(b'"second"')


def test_request_in_single_bytes(affine_server: "Server") -> None:
    """However a request is cut into packets, the answer is the same."""
    body = json.dumps(GOOD).encode()
    head = (
        b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )

    received = raw_answer(affine_server, *(bytes([byte]) for byte in head + body))

    assert received.startswith(b"HTTP/1.1 200 OK")


def test_chunked_request(affine_server: "Server") -> None:
    """A body without an announced size is read as well."""
    body = json.dumps(GOOD).encode()
    response = affine_server.client.post(
        f"{affine_server.url}/v2/models/sample/infer", content=iter([body[:9], body[9:]])
    )

    assert response.status_code == 200


def test_expect_continue(affine_server: "Server") -> None:
    """A client that asks before it sends its body is told to go on."""
    body = json.dumps(GOOD).encode()
    head = (
        b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(body)
    )

    received = raw_answer(affine_server, head, body)

    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"POST /v2 HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", b"400"),
        (b"GET /v2 HTTP/1.1\r\n" + b"a: " + b"b" * 70_000, b"431"),
    ],
)
def test_broken_http(affine_server: "Server", sent: bytes, status: bytes) -> None:
    """What is not HTTP, or never ends, is answered as JSON and closed."""
    received = raw_answer(affine_server, sent)
    head, _, body = received.partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nx-request-id: " in head
    assert json.loads(body)["error"]


def test_client_that_goes_away(affine_server: "Server") -> None:
    """A connection that dies in the middle of a request leaves nothing behind."""
    host, port = affine_server.url.removeprefix("http://").split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"
            )

    assert affine_server.infer(GOOD).status_code == 200
    affine_server.until_metric("modelserver_requests_in_flight", 0)


def test_log_is_json_without_payloads(affine_server: "Server") -> None:
    """Every line is one JSON object with model and release, and no request shows up."""
    affine_server.infer(GOOD)
    events = affine_server.events()

    assert [event["event"] for event in events] == ["listening", "ready"]
    assert {(event["model"], event["release"]) for event in events} == {("sample", "r1")}
    assert {"ts", "level"} <= events[0].keys()
