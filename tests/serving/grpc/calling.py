"""Calls as a bridge sends them: framed messages over HTTP/1.1."""

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from modelserver.codec.protobuf import messages
from modelserver.grpc import frames

if TYPE_CHECKING:
    import httpx

    from tests.serving.conftest import Server

SERVICE = "/inference.GRPCInferenceService"


def framed(message: Any) -> bytes:  # noqa: ANN401
    """A message in its frame."""
    content: bytes = message if isinstance(message, bytes) else message.SerializeToString()
    return frames.head(len(content)) + content


def call(
    server: "Server",
    body: bytes,
    method: str = f"{SERVICE}/ModelInfer",
    **headers: str,
) -> "httpx.Response":
    """The answer to a call; underscores in the names of `headers` are hyphens."""
    given = {"content-type": "application/grpc", "te": "trailers"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.post(server.url + method, content=body, headers=given)


def status(answer: "httpx.Response") -> tuple[int, str]:
    """The status of a call and its message; 0 and nothing where it succeeded."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/grpc"
    code, message = answer.headers.get("grpc-status", "0"), answer.headers.get("grpc-message", "")
    assert (code == "0") == bool(answer.content)
    return int(code), unquote(message)


def outputs(answer: "httpx.Response") -> Any:  # noqa: ANN401
    """The ModelInferResponse in an answer."""
    return messages.ModelInferResponse.FromString(frames.message(answer.content))
