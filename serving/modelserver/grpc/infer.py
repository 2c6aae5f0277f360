"""ModelInfer: the call that runs the model, in the way of `http.dialect`."""

from functools import cached_property
from importlib import import_module

from modelserver.codec.calls import Answer
from modelserver.errors import RequestError, UnsupportedContent
from modelserver.grpc import codes
from modelserver.grpc.deadline import timeout_s
from modelserver.http.headers import Given
from modelserver.http.status import STATUS
from modelserver.inference.terms import Terms
from modelserver.observe.metrics import Metrics

SERVICE = "inference.GRPCInferenceService"
METHOD = "ModelInfer"
_TYPES = frozenset({b"application/grpc", b"application/grpc+proto"})


class Failed(Answer):
    """The answer to a call that failed: headers only."""

    code: int = codes.INTERNAL
    message: str = ""


class Grpc:
    """Framed messages; every answer is a 200, and errors have gRPC's status and no body."""

    name = "grpc"

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    @cached_property
    def _plain(self) -> Terms:
        """Terms without a deadline; making them imports protobuf, which few servers need."""
        return Terms(form=import_module("modelserver.grpc.framed").FRAMED)

    def terms(self, given: Given) -> Terms:
        """The terms of a call, among them its deadline.

        Raises:
            UnsupportedContent: The body is no protobuf.
            InvalidRequest: The deadline is no time.
        """
        content_type = given.get(b"content-type", b"")
        if content_type not in _TYPES:
            plain = content_type.partition(b";")[0].strip().lower()
            if plain not in _TYPES:
                raise UnsupportedContent(
                    f"header Content-Type: found {plain[:80].decode('latin-1')!r}, "
                    "expected application/grpc"
                )
        bound_s = timeout_s(given)
        return self._plain if bound_s is None else self._plain._replace(timeout_s=bound_s)

    def refusal(self, error: RequestError) -> Answer:
        """An answer without a body."""
        return Failed(b"", code=codes.CODES[STATUS[type(error)]], message=str(error))

    def head(
        self,
        status: int,  # noqa: ARG002 - errors of gRPC have codes of their own
        answer: Answer,
        *,
        request_id: bytes,
        closing: bool,
        traceresponse: bytes,
    ) -> tuple[int, bytes]:
        """Always 200, since a bridge drops what other answers say; the call is counted."""
        code, failed = codes.OK, b""
        if isinstance(answer, Failed):
            code, failed = answer.code, codes.lines(answer.code, answer.message)
        self._metrics.grpc_calls[METHOD, code] += 1
        lines = codes.head(answer.size, request_id) + failed
        if traceresponse:
            lines += b"traceresponse: %b\r\n" % traceresponse
        if closing:
            lines += b"connection: close\r\n"
        return codes.HTTP_STATUS, lines
