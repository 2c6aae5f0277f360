"""Parts of an ONNX file as bytes.

Source: onnx.proto (NodeProto, AttributeProto, TensorProto) and the protocol buffers encoding.
"""

from collections.abc import Sequence

from modelserver.artifact.protobuf import LENGTH, VARINT

_SEVEN_BITS, _MORE = 0x7F, 0x80
_INT64_MASK = (1 << 64) - 1
_KIND_INT, _KIND_TENSOR = 2, 4  # of AttributeProto.type


def message(number: int, content: bytes) -> bytes:
    """A field that holds bytes: a message, or a text."""
    return _varint(number << 3 | LENGTH) + _varint(len(content)) + content


def text(number: int, value: str) -> bytes:
    """A field that holds a text, as `messages.text` reads it."""
    return message(number, value.encode("utf-8", "surrogateescape"))


def integer(number: int, value: int) -> bytes:
    """A field that holds a whole number."""
    return _varint(number << 3 | VARINT) + _varint(value & _INT64_MASK)


def node(
    op_type: str, inputs: Sequence[str], output: str, attributes: bytes = b"", name: str = ""
) -> bytes:
    """A NodeProto of the standard's domain, named as its output unless it has another name."""
    content = b"".join(text(1, each) for each in inputs)
    return content + text(2, output) + text(3, name or output) + text(4, op_type) + attributes


def cast(element_type: int) -> bytes:
    """The attribute of Cast."""
    return message(5, text(1, "to") + integer(3, element_type) + integer(20, _KIND_INT))


def constant(element_type: int, value: int, dims: Sequence[int] = ()) -> bytes:
    """The attribute of Constant: an int32 or int64 tensor of one number."""
    field = 7 if element_type == INT64 else 5
    tensor = b"".join(integer(1, size) for size in dims)
    tensor += integer(2, element_type) + integer(field, value)
    return message(5, text(1, "value") + message(5, tensor) + integer(20, _KIND_TENSOR))


INT32, INT64, BOOL = 6, 7, 9
"""Element types. Source: onnx.proto, TensorProto.DataType."""


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > _SEVEN_BITS:
        content.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    content.append(number)
    return bytes(content)
