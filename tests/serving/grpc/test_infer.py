"""ModelInfer, as a bridge sends it to a real server."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelserver.codec.protobuf import messages
from tests.serving import onnx_models
from tests.serving.asking import GOOD, ROW, expected
from tests.serving.codec.protobuf.asked import message
from tests.serving.conftest import write_release
from tests.serving.grpc.calling import SERVICE, call, framed, outputs, status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serving.conftest import Server, Start

X = {"x": ("FP32", np.array([ROW], np.float32))}
Y = expected([ROW]).astype(np.float32)


@pytest.mark.parametrize("typed", [False, True])
def test_answer_has_the_bytes_of_rest(
    affine_server: "Server",
    typed: bool,  # noqa: FBT001
) -> None:
    """The same model, asked both ways, gives equal numbers, names and ids."""
    answer = call(affine_server, framed(message(X, typed=typed, id="7")))
    rest = affine_server.infer(GOOD | {"id": "7"}).json()

    assert (0, "") == status(answer)
    found = outputs(answer)
    assert [found.raw_output_contents[0]] == [
        np.array(rest["outputs"][0]["data"], np.float32).tobytes()
    ]
    assert (rest["id"], rest["model_name"], rest["model_version"]) == (
        found.id,
        found.model_name,
        found.model_version,
    )


def test_body_that_comes_in_parts(affine_server: "Server") -> None:
    """A large call is no other than a small one."""
    rows = np.random.default_rng(5).random((20_000, 4), np.float32)

    answer = call(affine_server, framed(message({"x": ("FP32", rows)})))

    found = np.frombuffer(outputs(answer).raw_output_contents[0], np.float32)
    assert np.allclose(found.reshape(-1, 3), expected(rows.tolist()), rtol=1e-5)


def test_refusals_have_the_words_of_rest(affine_server: "Server") -> None:
    """A mistake in the tensor is told alike."""
    asked = {"x": ("FP32", np.zeros((1, 5), np.float32))}
    data = {"name": "x", "shape": [1, 5], "datatype": "FP32", "data": [0.0] * 5}

    answer = call(affine_server, framed(message(asked)))
    rest = affine_server.infer({"inputs": [data]})

    assert (3, rest.json()["error"]) == status(answer)


@pytest.mark.parametrize(
    ("body", "headers", "code", "text"),
    [
        (b"", {}, 3, "frame: found 0 bytes"),
        (b"\1\0\0\0\0", {}, 12, "frame: found a compressed message"),
        (framed(message(X, model="other")), {}, 5, "model: found 'other', expected 'sample'"),
        (framed(message(X)), {"grpc_timeout": "0S"}, 4, "time was over"),
        (framed(message(X)), {"grpc_timeout": "soon"}, 3, "header grpc-timeout: found 'soon'"),
        (framed(message(X)), {"content_type": "text/plain"}, 12, "header Content-Type"),
        (framed(bytes(3_000_000)), {}, 8, "bytes, expected at most"),
    ],
)
def test_errors(
    affine_server: "Server", body: bytes, headers: dict[str, str], code: int, text: str
) -> None:
    """Each kind of error has its status, and says what was found."""
    found, words = status(call(affine_server, body, **headers))

    assert code == found
    assert text in words


def test_calls_are_counted_as_requests(tmp_path: "Path", start: "Start") -> None:
    """The metrics and log lines of requests count both protocols; calls have codes of their own."""
    server = start(write_release(tmp_path, onnx_models.affine(), ACCESS_LOG_SAMPLE=1))
    server.until("ready")
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    good = call(server, framed(message(X)), x_model_role="canary", traceparent=trace)
    call(server, framed(b"\xff"))
    call(server, framed(b""), f"{SERVICE}/ServerLive")

    line, *_ = server.events("request")

    assert 1 == server.metric("modelserver_requests_total", role="canary", code="200")
    assert 1 == server.metric("modelserver_requests_total", role="direct", code="400")
    for method, code in (("ModelInfer", "0"), ("ModelInfer", "3"), ("ServerLive", "0")):
        assert 1 == server.metric("modelserver_grpc_calls_total", method=method, code=code)
    assert 1 == server.metric("modelserver_compute_duration_seconds_count")
    assert ("grpc", "canary", 200) == (line["protocol"], line["role"], line["code"])
    assert good.headers["x-request-id"] == line["request_id"]
    assert trace.split("-")[1] == line["trace_id"]
    assert len(good.content) == line["answer_bytes"]


def test_server_that_loads_refuses_for_a_while(
    tmp_path: "Path", start: "Start", stalled_source: str
) -> None:
    """Clients may try again, probes are told, and metadata is there already."""
    server = start(write_release(tmp_path, onnx_models.affine(), ARTIFACT_URI=stalled_source))
    server.until("listening")

    code, text = status(call(server, framed(message(X))))
    ready = call(server, framed(b""), f"{SERVICE}/ServerReady")
    described = call(
        server, framed(messages.ModelMetadataRequest(name="sample")), f"{SERVICE}/ModelMetadata"
    )

    assert 14 == code
    assert text.startswith("not ready: starting")
    assert framed(b"") == ready.content
    assert (0, "") == status(described)


def test_limits_are_those_of_rest(tmp_path: "Path", start: "Start") -> None:
    """A call that is too large is refused in the same words, and a smaller one is answered."""
    server = start(
        write_release(tmp_path, onnx_models.affine(), MAX_BODY_BYTES=100, MAX_INFLIGHT_BYTES=100)
    )
    server.until("ready")
    rows = {"x": ("FP32", np.zeros((10, 4), np.float32))}

    code, text = status(call(server, framed(message(rows))))

    assert 8 == code
    assert "expected at most" in text
    assert (0, "") == status(call(server, framed(message(X))))


def test_other_requests_on_the_same_connection(affine_server: "Server") -> None:
    """Both protocols share port and connection."""
    for _ in range(3):
        assert (0, "") == status(call(affine_server, framed(message(X))))
        assert 200 == affine_server.infer(GOOD).status_code
    assert Y.tobytes() == outputs(call(affine_server, framed(message(X)))).raw_output_contents[0]


def test_server_without_protobuf_has_no_grpc(tmp_path: "Path", start: "Start") -> None:
    """REST needs none of it, and a call finds no page."""
    environment = write_release(tmp_path, onnx_models.affine())
    hiding = tmp_path / "hiding" / "google"
    hiding.mkdir(parents=True)
    (hiding / "__init__.py").touch()
    server = start(environment | {"PYTHONPATH": str(hiding.parent)})
    server.until("ready")

    answer = call(server, framed(message(X)))

    assert 404 == answer.status_code
    assert 200 == server.infer(GOOD).status_code
