"""The frame around a message: whether it is compressed, and how long it is.

Source: gRPC over HTTP2, Length-Prefixed-Message.
"""

from modelserver.errors import InvalidRequest, UnsupportedContent

HEAD_BYTES = 5
"""A flag in one byte, and the length of the message in four, most significant first."""


def message(body: bytes | memoryview) -> bytes | memoryview:
    """The one message of a unary call.

    Raises:
        InvalidRequest: There is none, a part of one, or more than one.
        UnsupportedContent: It is compressed.
    """
    if len(body) < HEAD_BYTES:
        raise InvalidRequest("frame", f"found {len(body)} bytes, expected at least {HEAD_BYTES}")
    flag, size = body[0], int.from_bytes(body[1:HEAD_BYTES], "big")
    left = len(body) - HEAD_BYTES
    if flag == 1:
        raise UnsupportedContent("frame: found a compressed message, expected identity")
    if flag:
        raise InvalidRequest("frame", f"found flag {flag}, expected 0")
    if left < size:
        raise InvalidRequest("frame", f"found {left} bytes of a message of {size}")
    if left > size:
        raise InvalidRequest(
            "frame", f"found {left - size} bytes after the message, expected one message"
        )
    return body[HEAD_BYTES:]


def head(size: int) -> bytes:
    """What stands before a message of so many bytes."""
    return b"\0" + size.to_bytes(HEAD_BYTES - 1, "big")
