"""Requests with long arrays, decoded without making an object of every number at once.

A decoder that reads a body of 64 MB whole makes a Python float of each number: ten times the memory
of the tensor, most of which never returns to the system. Here each long array is cut out, the rest,
the outline of the request, is decoded, and the array's text takes its place again; `tensors.read`
then makes the array of it in parts.
"""

import re

import msgspec
from msgspec import UNSET, Raw

from modelserver.codec.protocol import InferRequest, RequestInput, decode_request

LONG_BYTES = 64 << 10
"""Texts of arrays from this length on are cut out."""

_ARRAY = re.compile(rb'"data"[ \t\r\n]*:[ \t\r\n]*\[')
_NOTHING = b"[]"


def decode(body: bytes) -> InferRequest | None:
    """The request in a body, its long arrays as text; None where the whole body has to be read.

    None does not mean that the body is wrong. Strings, nested arrays, unusual keys and every
    mistake are left to the decoder that reads it whole, and says what is wrong with it.
    """
    texts, outline = _cut(body)
    if not texts:
        return None
    try:
        request = decode_request(outline)
    except (ValueError, RecursionError):
        return None
    if sum(map(_is_left_out, request.inputs)) != len(texts):
        return None  # a key given twice, an empty array, or `data` where no tensor is
    rest = iter(texts)
    inputs = [
        msgspec.structs.replace(tensor, data=Raw(next(rest))) if _is_left_out(tensor) else tensor
        for tensor in request.inputs
    ]
    return msgspec.structs.replace(request, inputs=inputs)


def _is_left_out(tensor: RequestInput) -> bool:
    return tensor.data is not UNSET and bytes(tensor.data) == _NOTHING


def _cut(body: bytes) -> tuple[list[memoryview], bytes]:
    """The texts of long arrays, each up to its first closing bracket, and the body without them."""
    view = memoryview(body)
    texts: list[memoryview] = []
    kept: list[bytes | memoryview] = []
    done = place = 0
    while found := _ARRAY.search(body, place):
        opening, closing = found.end() - 1, body.find(b"]", found.end())
        place = closing + 1
        if closing < 0:
            return [], body
        if closing - opening >= LONG_BYTES:
            kept += (view[done:opening], _NOTHING)
            texts.append(view[opening:place])
            done = place
    kept.append(view[done:])
    return texts, b"".join(kept)
