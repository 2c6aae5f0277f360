"""The status of a gRPC call for what came of it in HTTP's words, and how it is said.

Source: gRPC status codes; gRPC over HTTP2, Status-Message.
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

HTTP_STATUS = 200
"""Of every answer: a bridge drops the words of any other."""

OK = 0
NOT_FOUND = 5
UNIMPLEMENTED = 12
INTERNAL = 13

CODES: Mapping[int, int] = MappingProxyType(
    {
        200: OK,
        400: 3,  # INVALID_ARGUMENT
        404: NOT_FOUND,
        406: 3,
        408: 4,  # DEADLINE_EXCEEDED: the client's own body came too slowly
        413: 8,  # RESOURCE_EXHAUSTED: trying again does not help
        415: UNIMPLEMENTED,
        429: 8,
        499: 1,  # CANCELLED, never sent
        500: INTERNAL,
        503: 14,  # UNAVAILABLE: clients may try again
        504: 4,
    }
)
"""Codes of gRPC by status of HTTP."""

_MAX_MESSAGE = 600  # characters: a client takes 8 KiB of metadata, and one may become 12 bytes
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def head(body_bytes: int, request_id: bytes) -> bytes:
    """The header lines of every answer."""
    return b"content-type: application/grpc\r\ncontent-length: %d\r\nx-request-id: %b\r\n" % (
        body_bytes,
        request_id,
    )


def lines(code: int, message: str) -> bytes:
    """The header lines of a call that failed."""
    found = f"grpc-status: {code}\r\ngrpc-message: {quote(message[:_MAX_MESSAGE], safe=_PLAIN)}\r\n"
    if code == UNIMPLEMENTED:
        found += "grpc-accept-encoding: identity\r\n"
    return found.encode("ascii")
