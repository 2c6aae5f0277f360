"""What the headers of a request say, and the headers of an answer to an inference request."""

import os
from collections.abc import Mapping
from functools import lru_cache
from itertools import count
from types import MappingProxyType

from modelserver.codec.calls import Answer
from modelserver.errors import InvalidBinary, InvalidRequest, UnsupportedContent
from modelserver.http import compression
from modelserver.http.status import RETRY_AFTER_S, UNAVAILABLE
from modelserver.inference.terms import Expand, Terms

Given = Mapping[bytes, bytes]
"""Headers of a request by their names in lower case; of a repeated one the last."""

SHADOW = "shadow"
"""The role of copies of requests: who sent the original has another answer already."""

_ROLES = MappingProxyType({name.encode(): name for name in ("shared", "stable", "canary", SHADOW)})
_JSON = frozenset({b"application/json", b"application/octet-stream"})
_JSON_BYTES = b"inference-header-content-length"
_ENCODING = b"content-encoding"
_TIMEOUT = b"x-request-timeout-ms"
_ENVOY_TIMEOUT = b"x-envoy-expected-rq-timeout-ms"
_SPECIAL = frozenset({_JSON_BYTES, _ENCODING, _TIMEOUT, _ENVOY_TIMEOUT})
_MAX_ID_BYTES = 128  # of a request id that is taken over into answers and logs
_MAX_DIGITS = 15  # of a number, so that no client makes this server read a long one

# Parts of the ids that this server makes: which process it is, and which of its requests.
_process = os.urandom(4).hex().encode()
_numbers = count(1)


_PLAIN = Terms()


def terms(given: Given) -> Terms:
    """The terms of an inference request.

    Raises:
        UnsupportedContent: This server does not read such a body.
        InvalidBinary: The size of the body's JSON is no number.
        InvalidRequest: The time that the client has is no number.
    """
    _check_content(given)
    if _SPECIAL.isdisjoint(given):
        return _PLAIN
    return Terms(_expander(given), _json_bytes(given), timeout_s(given))


def role(given: Given) -> str:
    """The part of the traffic that a request belongs to; `direct` if no route says it.

    A route names it in `x-model-role`. Envoy ends the host of a mirrored request in `-shadow`,
    unless it is told to leave it; then the port tells, see `Listeners`.
    """
    return _role(given.get(b"host", b""), given.get(b"x-model-role", b""))


@lru_cache(maxsize=64)
def _role(host: bytes, named: bytes) -> str:
    if host.partition(b":")[0].endswith(b"-shadow"):
        return SHADOW
    return _ROLES.get(named, "direct")


def request_id(given: Given) -> bytes:
    """The client's or the route's id; one of our own if that is missing, long or no plain text."""
    own = given.get(b"x-request-id", b"")
    if own and len(own) <= _MAX_ID_BYTES and own.isascii() and own.decode("ascii").isprintable():
        return own
    return b"%b-%x" % (_process, next(_numbers))


def _json_bytes(given: Given) -> int | None:
    """How many bytes of the body are JSON, None for all."""
    value = given.get(_JSON_BYTES)
    if value is None:
        return None
    if not value.isdigit() or len(value) > _MAX_DIGITS:
        raise InvalidBinary(
            "header Inference-Header-Content-Length",
            f"found {value[:20].decode('latin-1')!r}, expected a whole number of bytes",
        )
    return int(value)


def timeout_s(given: Given) -> float | None:
    """The seconds within which a request must have begun to run, None without a bound.

    The client's bound counts, and the time after which Envoy gives up.

    Raises:
        InvalidRequest: The client's bound is no number.
    """
    own, envoy = given.get(_TIMEOUT), given.get(_ENVOY_TIMEOUT)
    if own is None and envoy is None:
        return None
    bounds = [_timeout_ms(own)] if own is not None else []
    if envoy is not None and envoy.isdigit() and len(envoy) <= _MAX_DIGITS and int(envoy):
        bounds.append(int(envoy))
    return min(bounds) / 1000 if bounds else None


def _timeout_ms(value: bytes) -> int:
    if value.isdigit() and len(value) <= _MAX_DIGITS and int(value):
        return int(value)
    raise InvalidRequest(
        "header X-Request-Timeout-Ms",
        f"found {value[:20].decode('latin-1')!r}, expected a whole number of milliseconds from 1",
    )


def content_bytes(given: Given) -> int:
    """The announced size of the body, 0 where none is.

    Raises:
        InvalidRequest: It is no number.
    """
    value = given.get(b"content-length", b"0")
    if not value.isdigit() or len(value) > _MAX_DIGITS:
        raise InvalidRequest("header Content-Length", "expected a whole number of bytes")
    return int(value)


def _check_content(given: Given) -> None:
    """Return if the body is of a type that this server reads."""
    content_type = given.get(b"content-type")
    if content_type is not None and content_type not in _JSON:
        plain = content_type.partition(b";")[0].strip().lower()
        if plain not in _JSON:
            raise UnsupportedContent(
                f"header Content-Type: found {plain[:80].decode('latin-1')!r}, "
                "expected application/json (or application/octet-stream with binary tensors)"
            )


def _expander(given: Given) -> Expand | None:
    """What undoes the compression of the body, None where it has none."""
    encoding = given.get(_ENCODING, b"identity")
    return None if encoding == b"identity" else compression.expander(encoding)


class DefaultLines:
    """The header lines of every answer, made anew when uvicorn has a new list: once a second."""

    def __init__(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._lines = b""

    def of(self, fields: list[tuple[bytes, bytes]]) -> bytes:
        """The header fields as lines."""
        if fields is not self._fields:
            self._fields = fields
            self._lines = b"".join(b"%b: %b\r\n" % field for field in fields)
        return self._lines


DEFAULT_LINES = DefaultLines()
"""Of this process."""


def of_answer(
    status: int, answer: Answer, *, request_id: bytes, closing: bool, traceresponse: bytes = b""
) -> bytes:
    """The header lines of an answer; `closing` asks the client to use another connection next."""
    json_bytes = answer.json_bytes
    content_type = b"json" if json_bytes is None else b"octet-stream"
    lines = b"content-type: application/%b\r\ncontent-length: %d\r\nx-request-id: %b\r\n" % (
        content_type,
        answer.size,
        request_id,
    )
    if json_bytes is not None:
        lines += b"%b: %d\r\n" % (_JSON_BYTES, json_bytes)
    if status == UNAVAILABLE:
        lines += b"retry-after: %d\r\n" % RETRY_AFTER_S
    if traceresponse:
        lines += b"traceresponse: %b\r\n" % traceresponse
    if closing:
        lines += b"connection: close\r\n"
    return lines


def pairs(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Header lines as the pairs that ASGI wants."""
    split = (line.partition(b": ") for line in lines.splitlines())
    return [(name, value) for name, _, value in split]
