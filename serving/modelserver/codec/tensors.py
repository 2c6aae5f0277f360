"""One tensor of a request, from its JSON or from the bytes that follow the JSON."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from math import prod
from typing import Any

import msgspec
from msgspec import UNSET

from modelserver.codec import binary, long, parameters
from modelserver.codec.buffer import Claim, unclaimed
from modelserver.codec.outline import LONG_BYTES, MAX_DEPTH, Span
from modelserver.codec.wording import found_and_expected, quoted
from modelserver.errors import InvalidBinary, InvalidRequest
from modelserver.tensor.datatypes import Array, Datatype
from modelserver.tensor.spec import TensorSpec
from modelserver.tensor.values import from_values, place

_BINARY_SIZE = "parameters.binary_data_size"
_NOT_BRACKET = b" \t\r\n"  # what JSON allows before a bracket
_DEEPEST = 4096  # bytes: brackets beyond are more than any shape has


def read(
    spec: TensorSpec,
    tensor: Any,  # noqa: ANN401 - a structure of `protocol`
    tail: binary.Tail | None = None,
    claim: Claim = unclaimed,
) -> Array:
    """The array of a tensor that was sent for `spec`; its bytes are in `tail` if it is binary.

    Raises:
        InvalidRequest: The tensor is not what `spec` asks for; the error names the place in it.
    """
    if tensor.datatype != spec.datatype.name:
        raise InvalidRequest(
            "datatype", f"found {quoted(tensor.datatype)}, expected {spec.datatype.name}"
        )
    shape, data = tensor.shape, tensor.data
    spec.check_shape(shape)
    size = None
    if tensor.parameters:
        parameters.check(tensor.parameters, "parameters")
        size = tensor.parameters.get("binary_data_size")
    if size is not None:
        if data is not UNSET:
            raise InvalidBinary(_BINARY_SIZE, "found beside data; expected one of the two")
        if tail is None:
            raise InvalidBinary(
                _BINARY_SIZE, "found without the header Inference-Header-Content-Length"
            )
        content = tail.take(size, _BINARY_SIZE)
        return binary.from_bytes(spec.datatype, shape, content, _BINARY_SIZE, claim)
    if data is UNSET:
        raise InvalidRequest("data", "is missing")
    if type(data) is list:
        return from_values(spec.datatype, shape, data)
    if type(data) is Span:
        return from_span(spec.datatype, shape, data, claim)
    return from_text(spec.datatype, shape, data)


def from_span(datatype: Datatype, shape: Sequence[int], span: Span, claim: Claim) -> Array:
    """Array of the given shape from a JSON array of any length; `claim` is asked for its memory.

    Raises:
        InvalidRequest: The text is no such array; the error names the element, as in `data[3]`.
    """
    text = span.text[span.start : span.stop]
    if len(text) <= LONG_BYTES:
        claim(prod(shape) * binary.STRING_BYTES)
        return from_text(datatype, shape, msgspec.Raw(bytes(text)))
    depth = _depth(bytes(text[:_DEEPEST]))
    if depth > MAX_DEPTH:
        raise InvalidRequest("data", "nested too deeply")
    _check_depth(depth, shape)
    return long.read(datatype, shape, span, claim, nested=depth != 1)


def from_text(datatype: Datatype, shape: Sequence[int], data: msgspec.Raw) -> Array:
    """Array of the given shape from a JSON array, flat in row-major order or nested like the shape.

    Raises:
        InvalidRequest: The text is no such array; the error names the element, as in `data[3]`.
    """
    depth = _depth(memoryview(data))
    _check_depth(depth, shape)
    try:
        values = _decoder(datatype, depth).decode(data)
    except msgspec.ValidationError as error:
        step, problem = found_and_expected(error, datatype.expected)
        raise InvalidRequest(f"data{step}", problem) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("data", "found a string that is not UTF-8") from error
    nested = depth != 1
    if nested:
        values = _flatten(values, shape) if shape else [values]
    return from_values(datatype, shape, values, nested=nested)


def _check_depth(depth: int, shape: Sequence[int]) -> None:
    if depth not in {1, len(shape)}:
        deep = f" or nested {len(shape)} deep" if len(shape) > 1 else ""
        raise InvalidRequest("data", f"found {_nesting(depth)}, expected a flat array{deep}")


@lru_cache(maxsize=256)  # datatypes times depths; a client cannot make more than it has shapes for
def _decoder(datatype: Datatype, depth: int) -> msgspec.json.Decoder[Any]:
    shape: Any = datatype.element
    for _ in range(depth):
        shape = list[shape]
    return msgspec.json.Decoder(shape)


def _depth(data: memoryview | bytes) -> int:
    """How many brackets the text begins with."""
    depth = 0
    for byte in data:
        if byte == ord("["):
            depth += 1
        elif byte not in _NOT_BRACKET:
            break
    return depth


def _nesting(depth: int) -> str:
    return "no array" if depth == 0 else f"an array nested {depth} deep"


def _flatten(values: list[Any], shape: Sequence[int]) -> list[Any]:
    """The elements of nested lists, which must have exactly the sizes of `shape`."""
    level: list[Any] = [values]
    for axis, size in enumerate(shape):
        for index, row in enumerate(level):
            if len(row) != size:
                raise InvalidRequest(
                    f"data{place(index, shape[:axis])}",
                    f"found {len(row)} elements, expected {size} by shape[{axis}]",
                )
        level = list(chain.from_iterable(level))
    return level
