"""Compressed bodies of requests, expanded within a limit. Pure.

Source: RFC 9110 (content codings), RFC 1950 to 1952 (deflate, gzip), RFC 8878 (zstd).
"""

import zlib
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from modelserver.errors import BodyTooLarge, InvalidRequest, UnsupportedContent
from modelserver.inference.exchange import Expand

_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's `wbits`: which header the data has
_CHUNK_BYTES = 1 << 20  # expanded at once, so that one that grows too large is noticed early
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


def _gunzip(body: bytes, max_bytes: int) -> bytes:
    return _inflate(body, max_bytes, _GZIP)


def _undeflate(body: bytes, max_bytes: int) -> bytes:
    """The body, which has zlib's header, as it should, or none, as some clients send it."""
    wrapped = body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflate(body, max_bytes, _ZLIB if wrapped else _RAW)


def _inflate(body: bytes, max_bytes: int, form: int) -> bytes:
    stream = zlib.decompressobj(form)
    try:
        content = stream.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise InvalidRequest("body", f"is not what Content-Encoding says: {error}") from error
    if len(content) > max_bytes:
        raise _too_large(max_bytes)
    if not stream.eof:
        raise InvalidRequest("body", f"the compressed data ends early, after {len(body)} bytes")
    if stream.unused_data:
        raise InvalidRequest("body", f"found {len(stream.unused_data)} bytes after its end")
    return content


def _expand_zstd(body: bytes, max_bytes: int) -> bytes:
    """The body; of a frame that ends early what there is of it, which then is no whole request."""
    zstandard = _zstandard()
    parts: list[bytes] = []
    size = 0
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).stream_reader(body)
        while part := reader.read(min(_CHUNK_BYTES, max_bytes + 1 - size)):
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise _too_large(max_bytes)
    except zstandard.ZstdError as error:
        raise InvalidRequest("body", f"is not what Content-Encoding says: {error}") from error
    return b"".join(parts)


def _zstandard() -> Any:  # noqa: ANN401 - an optional package
    try:
        return import_module("zstandard")
    except ImportError:
        raise UnsupportedContent(
            "header Content-Encoding: found 'zstd', expected gzip or deflate; "
            "this server was built without modelserver[zstd]"
        ) from None


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"body: expands to more than {max_bytes} bytes, expected at most these")


_EXPANDERS: Mapping[bytes, Expand] = MappingProxyType(
    {b"gzip": _gunzip, b"x-gzip": _gunzip, b"deflate": _undeflate, b"zstd": _expand_zstd}
)
