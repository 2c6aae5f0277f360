"""The calls beside ModelInfer, as a bridge sends them to a real server."""

from typing import TYPE_CHECKING, Any

import pytest

from modelserver.codec.protobuf import messages
from modelserver.grpc import frames
from tests.serving.grpc.calling import SERVICE, call, framed, status

if TYPE_CHECKING:
    from tests.serving.conftest import Server

HEALTH = "/grpc.health.v1.Health"


def ask(server: "Server", name: str, /, **fields: str) -> Any:  # noqa: ANN401
    """The response of a method of the service."""
    request = getattr(messages, f"{name}Request")(**fields)
    answer = call(server, framed(request), f"{SERVICE}/{name}")
    assert (0, "") == status(answer)
    return getattr(messages, f"{name}Response").FromString(frames.message(answer.content))


def test_server_and_model_are_live_and_ready(affine_server: "Server") -> None:
    """As REST's health paths say."""
    assert ask(affine_server, "ServerLive").live
    assert ask(affine_server, "ServerReady").ready
    assert ask(affine_server, "ModelReady", name="sample").ready
    assert ask(affine_server, "ModelReady", name="sample", version="r1").ready


def test_metadata_is_that_of_rest(affine_server: "Server") -> None:
    """Names, datatypes and shapes, field by field."""
    server = ask(affine_server, "ServerMetadata")
    model = ask(affine_server, "ModelMetadata", name="sample")
    rest = affine_server.client.get(f"{affine_server.url}/v2").json()
    rest_model = affine_server.client.get(f"{affine_server.url}/v2/models/sample").json()

    assert rest == {
        "name": server.name,
        "version": server.version,
        "extensions": list(server.extensions),
    }
    assert (rest_model["name"], rest_model["versions"], rest_model["platform"]) == (
        model.name,
        list(model.versions),
        model.platform,
    )
    for side in ("inputs", "outputs"):
        assert rest_model[side] == [
            {"name": each.name, "datatype": each.datatype, "shape": list(each.shape)}
            for each in getattr(model, side)
        ]


@pytest.mark.parametrize("service", ["", "sample", "inference.GRPCInferenceService"])
def test_health_check(affine_server: "Server", service: str) -> None:
    """The server, the model and the service serve together."""
    request = messages.HealthCheckRequest(service=service)

    answer = call(affine_server, framed(request), f"{HEALTH}/Check")

    found = messages.HealthCheckResponse.FromString(frames.message(answer.content))
    assert 1 == found.status


@pytest.mark.parametrize(
    ("method", "message", "code", "text"),
    [
        ("/inference.GRPCInferenceService/ModelReady", b"\x0a\x01o", 5, "model: found 'o'"),
        (
            "/inference.GRPCInferenceService/ModelMetadata",
            b"\x0a\x06sample\x12\x02r9",
            5,
            "release: found 'r9', expected 'r1'",
        ),
        ("/grpc.health.v1.Health/Check", b"\x0a\x01o", 5, "model: found 'o'"),
        ("/grpc.health.v1.Health/Check", b"\xff", 3, "a protobuf message HealthCheckRequest"),
        ("/grpc.health.v1.Health/Watch", b"", 12, "method: found /grpc.health.v1.Health/Watch"),
        ("/inference.GRPCInferenceService/ModelStreamInfer", b"", 12, "expected one of ModelInfer"),
        ("/inference.GRPCInferenceService/ServerLive", bytes(70_000), 8, "found more than 65536"),
    ],
)
def test_errors(affine_server: "Server", method: str, message: bytes, code: int, text: str) -> None:
    """What is not there is not found, or not implemented."""
    found, words = status(call(affine_server, framed(message), method))

    assert code == found
    assert text in words


def test_other_methods_of_http_find_no_page(affine_server: "Server") -> None:
    """A path of gRPC is for calls alone."""
    answer = affine_server.client.get(f"{affine_server.url}{SERVICE}/ServerLive")

    assert 404 == answer.status_code
