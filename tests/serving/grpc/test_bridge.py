"""A client that nobody here wrote, through a real Envoy, gets the numbers of ONNX Runtime."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import grpc
import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelserver.codec.protobuf import messages
from modelserver.grpc.deadline import timeout_s
from modelserver.tensor.bfloat16 import to_bits
from modelserver.tensor.datatypes import DATATYPES
from serving.bench.bridge import rule
from tests.serving import onnx_models
from tests.serving.asking import ROW, expected
from tests.serving.codec.protobuf.asked import CONTENTS, as_rest, message, raw
from tests.serving.conftest import write_release
from tests.serving.grpc.bridged import envoy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serving.conftest import Start

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tritonclient")

ROWS = np.array([ROW, [5, 6, 7, 8]], np.float32)
SAMPLE = {"x-model-name": "sample"}
WAIT_S = 60.0
_UNBOUNDED = (("grpc.max_receive_message_length", -1),)  # a client takes 4 MiB by default

Client = Any


@pytest.fixture
def triton() -> Any:  # noqa: ANN401 - the package has no types
    """The client package; imported late, as it warns while it is imported."""
    return pytest.importorskip("tritonclient.grpc")


@contextmanager
def calling(triton: Any, address: str, *, host: str = "") -> Iterator[Client]:  # noqa: ANN401
    """A client; with `host` it believes that the server is called so."""
    options = [("grpc.default_authority", host)] if host else None
    client = triton.InferenceServerClient(address, channel_args=options)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def client(triton: Any, bridge: str) -> Iterator[Client]:  # noqa: ANN401
    """A client of the shared server."""
    with calling(triton, bridge) as one:
        yield one


def tensor(triton: Any, array: Any, datatype: str = "FP32") -> Any:  # noqa: ANN401
    """An input called x."""
    made = triton.InferInput("x", list(array.shape), datatype)
    made.set_data_from_numpy(array)
    return made


def test_numbers_are_those_of_onnx_runtime(triton: Any, client: Client) -> None:  # noqa: ANN401
    """With outputs named or not; the answer has the request's id."""
    for outputs in (None, [triton.InferRequestedOutput("y")]):
        answer = client.infer(
            "sample", [tensor(triton, ROWS)], outputs=outputs, request_id="7", headers=SAMPLE
        )

        assert "7" == answer.get_response().id
        assert np.allclose(answer.as_numpy("y"), expected(ROWS.tolist()), rtol=1e-6)


def test_client_understands_everything_else(client: Client) -> None:
    """Health and metadata."""
    assert client.is_server_live(headers=SAMPLE)
    assert client.is_server_ready(headers=SAMPLE)
    assert client.is_model_ready("sample", headers=SAMPLE)
    assert "modelserver" == client.get_server_metadata(headers=SAMPLE).name
    (found,) = client.get_model_metadata("sample", headers=SAMPLE).inputs
    assert ("x", "FP32", [-1, 4]) == (found.name, found.datatype, list(found.shape))


def test_model_is_reached_by_a_host_of_its_own(triton: Any, bridge: str) -> None:  # noqa: ANN401
    """The client is called as for any other server, but for the address."""
    with calling(triton, bridge, host="sample.models.example.com:443") as one:
        answer = one.infer("sample", [tensor(triton, ROWS)])

    assert np.allclose(answer.as_numpy("y"), expected(ROWS.tolist()), rtol=1e-6)


@pytest.mark.parametrize(
    ("named", "code", "text"),
    [
        ({}, "NOT_FOUND", "name one in the metadata x-model-name"),
        ({"x-model-name": "other"}, "NOT_FOUND", "no model is served under this name"),
        ({"x-model-name": "new"}, "UNAVAILABLE", "model new is starting"),
    ],
)
def test_model_that_is_not_there(
    triton: Any,  # noqa: ANN401
    client: Client,
    named: dict[str, str],
    code: str,
    text: str,
) -> None:
    """Envoy's own answers have a status and words as well."""
    with pytest.raises(triton.InferenceServerException) as caught:
        client.infer("sample", [tensor(triton, ROWS)], headers=named)

    assert f"StatusCode.{code}" == caught.value.status()
    assert text in caught.value.message()


def test_message_for_another_model(triton: Any, client: Client) -> None:  # noqa: ANN401
    """The metadata leads to a model, and the message has to be for it."""
    with pytest.raises(triton.InferenceServerException) as caught:
        client.infer("other", [tensor(triton, ROWS)], headers=SAMPLE)

    assert "StatusCode.NOT_FOUND" == caught.value.status()
    assert "model: found 'other', expected 'sample'" == caught.value.message()


def test_errors_have_the_words_of_rest(triton: Any, client: Client, bridge: str) -> None:  # noqa: ANN401
    """What a client of REST reads through the same Envoy."""
    data = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [0.0] * 4}
    rest = httpx.post(f"http://{bridge}/v2/models/sample/infer", json={"inputs": [data]})

    with pytest.raises(triton.InferenceServerException) as caught:
        client.infer("sample", [tensor(triton, np.zeros((1, 4)), "FP64")], headers=SAMPLE)

    assert (400, rest.json()["error"]) == (rest.status_code, caught.value.message())
    assert "StatusCode.INVALID_ARGUMENT" == caught.value.status()


def test_compressed_message_is_refused(triton: Any, client: Client) -> None:  # noqa: ANN401
    """Compression is left to both sides; this one has none."""
    zeros = tensor(triton, np.zeros((1000, 4), np.float32))

    with pytest.raises(triton.InferenceServerException) as caught:
        client.infer("sample", [zeros], headers=SAMPLE, compression_algorithm="gzip")

    assert "StatusCode.UNIMPLEMENTED" == caught.value.status()
    assert "found a compressed message, expected identity" in caught.value.message()


@pytest.mark.parametrize(
    "path", ["/inference.GRPCInferenceService/ModelStreamInfer", "/grpc.health.v1.Health/Watch"]
)
def test_streams_are_unimplemented(bridge: str, path: str) -> None:
    """A bridge to HTTP/1.1 carries one message each way."""
    with grpc.insecure_channel(bridge) as channel:
        stream = channel.stream_stream(path)
        with pytest.raises(grpc.RpcError) as caught:
            list(stream(iter([b""]), metadata=tuple(SAMPLE.items()), timeout=WAIT_S))

    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code()
    assert path in caught.value.details()


def test_health_check(bridge: str) -> None:
    """What probes and load balancers ask."""
    with grpc.insecure_channel(bridge) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            messages.HealthCheckRequest.SerializeToString,
            messages.HealthCheckResponse.FromString,
        )
        found = check(
            messages.HealthCheckRequest(service="sample"),
            metadata=tuple(SAMPLE.items()),
            timeout=WAIT_S,
        )

    assert 1 == found.status


def infer(channel: grpc.Channel, request: Any, **metadata: str) -> Any:  # noqa: ANN401
    """The answer to a ModelInferRequest."""
    ask = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        messages.ModelInferRequest.SerializeToString,
        messages.ModelInferResponse.FromString,
    )
    given = SAMPLE | {name.replace("_", "-"): value for name, value in metadata.items()}
    return ask(request, metadata=tuple(given.items()), timeout=WAIT_S)


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_numbers_come_back_as_through_rest(bridge: str, content: bytes) -> None:
    """The bytes of the outputs are equal, for NaN and infinities too."""
    rows = np.frombuffer(content[: len(content) // 16 * 16], np.float32).reshape(-1, 4)
    asked = {"x": ("FP32", rows)}
    body, json_bytes = as_rest(asked)
    rest = httpx.post(
        f"http://{bridge}/v2/models/sample/infer",
        content=body,
        headers={"inference-header-content-length": str(json_bytes)},
    )
    with grpc.insecure_channel(bridge) as channel:
        found = infer(channel, message(asked))

    head = int(rest.headers["inference-header-content-length"])
    assert rest.content[head:] == found.raw_output_contents[0]


@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_datatype_comes_back_as_it_went(
    tmp_path: "Path", start: "Start", datatype: str
) -> None:
    """Raw bytes in, the same bytes out, in small and in 4 MiB, typed where the protocol can."""
    server = start(write_release(tmp_path, onnx_models.identity(datatype), GRACE_S=5))
    server.until("ready")
    values: Any = np.arange(2 * 300_000) % 2
    if datatype == "BYTES":
        values = np.array(["é" * int(value) for value in values[:2000]], object)
    elif datatype == "BF16":
        values = to_bits(values.astype(np.float32))
    else:
        values = values.astype(DATATYPES[datatype].dtype)
    folder = tmp_path / "envoy"
    folder.mkdir()
    with (
        envoy(folder, int(server.url.rpartition(":")[2]), {"sample": (rule("sample"),)}) as port,
        grpc.insecure_channel(f"127.0.0.1:{port}", _UNBOUNDED) as channel,
    ):
        for array in (values[:2].reshape(1, 2), values.reshape(-1, 2)):
            for typed in {False, datatype in CONTENTS}:
                asked = {"x": (datatype, array)}
                found = infer(channel, message(asked, typed=typed))

                assert (datatype, [*array.shape]) == (
                    found.outputs[0].datatype,
                    [*found.outputs[0].shape],
                )
                assert raw(datatype, array) == found.raw_output_contents[0]


def test_large_tensors(tmp_path: "Path", start: "Start") -> None:
    """4 MiB each way and more, whole."""
    server = start(write_release(tmp_path, onnx_models.identity("FP32"), GRACE_S=5))
    server.until("ready")
    array = np.random.default_rng(3).random((3 << 19, 2), np.float32)
    folder = tmp_path / "envoy"
    folder.mkdir()
    with (
        envoy(folder, int(server.url.rpartition(":")[2]), {"sample": (rule("sample"),)}) as port,
        grpc.insecure_channel(f"127.0.0.1:{port}", _UNBOUNDED) as channel,
    ):
        found = infer(channel, message({"x": ("FP32", array)}))

    assert array.tobytes() == found.raw_output_contents[0]


def test_server_that_died_is_unavailable(tmp_path: "Path", start: "Start") -> None:
    """Envoy says it, in words of gRPC."""
    server = start(write_release(tmp_path, onnx_models.affine(), GRACE_S=5))
    server.until("ready")
    port = int(server.url.rpartition(":")[2])
    server.stop()
    with (
        envoy(tmp_path, port, {"sample": (rule("sample"),)}) as found,
        grpc.insecure_channel(f"127.0.0.1:{found}") as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        infer(channel, message({"x": ("FP32", ROWS)}))

    assert grpc.StatusCode.UNAVAILABLE == caught.value.code()


class _Upstream(BaseHTTPRequestHandler):
    """Takes a call as a server does, and keeps its headers."""

    protocol_version = "HTTP/1.1"
    heard: ClassVar[dict[str, str]] = {}

    def do_POST(self) -> None:
        """Answer with an error, which needs no body."""
        self.heard.update({name.lower(): value for name, value in self.headers.items()})
        self.rfile.read(int(self.headers["content-length"] or 0))
        self.send_response(200)
        for name, value in (("content-type", "application/grpc"), ("content-length", "0")):
            self.send_header(name, value)
        self.send_header("grpc-status", "4")
        self.send_header("grpc-message", "50%25 of it")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_deadline_reaches_the_server(tmp_path: "Path") -> None:
    """What a client gives is passed on, as are role and error; not how long Envoy will wait."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Upstream) as upstream:
        thread = threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with (
            envoy(tmp_path, upstream.server_port, {"sample": (rule("sample"),)}) as port,
            grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
            pytest.raises(grpc.RpcError) as caught,
        ):
            infer(channel, message({"x": ("FP32", ROWS)}))
        upstream.shutdown()
        thread.join()

    assert (grpc.StatusCode.DEADLINE_EXCEEDED, "50% of it") == (
        caught.value.code(),
        caught.value.details(),
    )
    assert 0 < (timeout_s({b"grpc-timeout": _Upstream.heard["grpc-timeout"].encode()}) or 0) <= 60
    assert "x-envoy-expected-rq-timeout-ms" not in _Upstream.heard
    assert "stable" == _Upstream.heard["x-model-role"]
