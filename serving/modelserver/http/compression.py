"""Compressed bodies of requests, expanded within a limit. Pure.

Source: RFC 9110 (content codings), RFC 1950 to 1952 (deflate, gzip), RFC 8878 (zstd).
"""

import zlib
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from modelserver.codec.buffer import Buffer, Claim, unclaimed
from modelserver.errors import BodyTooLarge, InvalidRequest, UnsupportedContent
from modelserver.inference.terms import Expand

_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's `wbits`: which header the data has
_CHUNK_BYTES = 128 << 10  # expanded at once, so that one that grows too large is noticed early
_PACKED_BYTES = 64 << 10  # given to the expander at once, which copies what it does not use
_MAX_RATIO = 256  # tensors of one number shrink a thousandfold; data that says something does not
_FREE_BYTES = 1 << 20  # to which a body may expand in any case
_MAX_WINDOW_BYTES = 8 << 20  # what RFC 8878 asks every receiver to support


def expander(encoding: bytes) -> Expand:
    """What undoes an encoding; it raises `InvalidRequest` or `BodyTooLarge`.

    Raises:
        UnsupportedContent: This server does not know the encoding.
    """
    name = encoding.strip().lower()
    if name == b"zstd":
        _zstandard()
    try:
        return _EXPANDERS[name]
    except KeyError:
        raise UnsupportedContent(
            f"header Content-Encoding: found {encoding[:80].decode('latin-1')!r}, "
            f"expected one of {', '.join(map(bytes.decode, _EXPANDERS))}"
        ) from None


def _gunzip(body: memoryview, max_bytes: int, claim: Claim = unclaimed) -> memoryview:
    return _inflate(body, max_bytes, claim, _GZIP)


def _undeflate(body: memoryview, max_bytes: int, claim: Claim = unclaimed) -> memoryview:
    """The body, which has zlib's header, as it should, or none, as some clients send it."""
    wrapped = bytes(body[:1]) == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflate(body, max_bytes, claim, _ZLIB if wrapped else _RAW)


class _Content:
    """What a body expands to, bounded before it becomes it."""

    def __init__(self, packed_bytes: int, max_bytes: int, claim: Claim) -> None:
        self._buffer = Buffer()
        self._max_bytes = max_bytes
        self._most_by_ratio = max(_FREE_BYTES, _MAX_RATIO * packed_bytes)
        self._claim = claim

    def add(self, part: bytes) -> None:
        """Take the next part.

        Raises:
            BodyTooLarge: It would be too much, of itself or for what it was packed in.
            Overloaded: Others leave no room for it.
        """
        size = len(self._buffer) + len(part)
        if size > self._max_bytes:
            raise BodyTooLarge(
                f"body: expands to more than {self._max_bytes} bytes, expected at most these"
            )
        if size > self._most_by_ratio:
            raise BodyTooLarge(
                f"body: expands to more than {_MAX_RATIO} times its size, expected at most that"
            )
        self._claim(len(part))
        self._buffer.append(part)

    def view(self) -> memoryview:
        """All of it."""
        return self._buffer.view()


def _inflate(body: memoryview, max_bytes: int, claim: Claim, form: int) -> memoryview:
    stream = zlib.decompressobj(form)
    content = _Content(len(body), max_bytes, claim)
    try:
        for start in range(0, len(body), _PACKED_BYTES):
            packed: bytes | memoryview = body[start : start + _PACKED_BYTES]
            while packed and not stream.eof:
                content.add(stream.decompress(packed, _CHUNK_BYTES))
                packed = stream.unconsumed_tail
            if stream.eof:
                break
        content.add(stream.flush(_CHUNK_BYTES) if not stream.eof else b"")
    except zlib.error as error:
        raise InvalidRequest("body", f"is not what Content-Encoding says: {error}") from error
    if not stream.eof:
        raise InvalidRequest("body", f"the compressed data ends early, after {len(body)} bytes")
    unused = len(stream.unused_data) + max(0, len(body) - start - _PACKED_BYTES)
    if unused:
        raise InvalidRequest("body", f"found {unused} bytes after its end")
    return content.view()


def _expand_zstd(body: memoryview, max_bytes: int, claim: Claim = unclaimed) -> memoryview:
    """The body; of a frame that ends early what there is of it, which then is no whole request."""
    zstandard = _zstandard()
    content = _Content(len(body), max_bytes, claim)
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).stream_reader(body)
        while part := reader.read(_CHUNK_BYTES):
            content.add(part)
    except zstandard.ZstdError as error:
        raise InvalidRequest("body", f"is not what Content-Encoding says: {error}") from error
    return content.view()


def _zstandard() -> Any:  # noqa: ANN401 - an optional package
    try:
        return import_module("zstandard")
    except ImportError:
        raise UnsupportedContent(
            "header Content-Encoding: found 'zstd', expected gzip or deflate; "
            "this server was built without modelserver[zstd]"
        ) from None


_EXPANDERS: Mapping[bytes, Expand] = MappingProxyType(
    {b"gzip": _gunzip, b"x-gzip": _gunzip, b"deflate": _undeflate, b"zstd": _expand_zstd}
)
