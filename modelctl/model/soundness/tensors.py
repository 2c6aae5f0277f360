"""Whether a tensor has the data that its type and shape ask for."""

import math
from typing import Any

from modelctl.model.soundness.errors import UnsoundError

_Proto = Any  # protobuf messages carry no types here

# Bits of an element in raw_data, and the field that holds elements otherwise.
# Source: onnx.proto, TensorProto.
_LAYOUTS = {
    1: (32, "float_data"),
    2: (8, "int32_data"),
    3: (8, "int32_data"),
    4: (16, "int32_data"),
    5: (16, "int32_data"),
    6: (32, "int32_data"),
    7: (64, "int64_data"),
    8: (0, "string_data"),
    9: (8, "int32_data"),
    10: (16, "int32_data"),
    11: (64, "double_data"),
    12: (32, "uint64_data"),
    13: (64, "uint64_data"),
    14: (64, "float_data"),
    15: (128, "double_data"),
    16: (16, "int32_data"),
    17: (8, "int32_data"),
    18: (8, "int32_data"),
    19: (8, "int32_data"),
    20: (8, "int32_data"),
    21: (4, "int32_data"),
    22: (4, "int32_data"),
    23: (4, "int32_data"),
    24: (8, "int32_data"),
    25: (2, "int32_data"),
    26: (2, "int32_data"),
}
_FIELDS = (
    *("float_data", "int32_data", "string_data", "int64_data"),
    *("double_data", "uint64_data", "raw_data"),
)
_STRING = 8
_BYTE = 8


def refuse_bad_type(tensor: _Proto, name: str) -> None:
    """Raises `UnsoundError`: the tensor has no element type, or none that there is."""
    if tensor.data_type not in _LAYOUTS:
        raise UnsoundError(f"has the tensor {name!r} with the element type {tensor.data_type}")


def refuse_bad_data(tensor: _Proto, name: str) -> None:
    """Raises `UnsoundError`: there is more or less data than the shape asks for."""
    _refuse_negative(tensor, name)
    dims = list(tensor.dims)
    found, expected, unit = _found(tensor)
    if found != expected:
        raise UnsoundError(
            f"has the tensor {name!r} of the shape {dims} with {found} {unit} of data, "
            f"expected {expected}"
        )


def _refuse_negative(tensor: _Proto, name: str) -> None:
    if any(size < 0 for size in tensor.dims):
        raise UnsoundError(
            f"has the tensor {name!r} with the shape {list(tensor.dims)}, expected no size below 0"
        )


def _found(tensor: _Proto) -> tuple[int, int, str]:
    """How much data there is and has to be, and of what."""
    bits, field = _LAYOUTS[tensor.data_type]
    elements = math.prod(tensor.dims)
    if tensor.HasField("raw_data") and tensor.data_type != _STRING:
        return len(tensor.raw_data), -(-elements * bits // _BYTE), "bytes"
    return len(getattr(tensor, field)), _entries(bits, elements), "values"


def _entries(bits: int, elements: int) -> int:
    """How many entries of the typed field there have to be; small elements share one."""
    return -(-elements * bits // _BYTE) if 0 < bits < _BYTE else elements


def refuse_unclear_data(tensor: _Proto, name: str) -> None:
    """Raises `UnsoundError`: there is too little data for ONNX's checker.

    It looks at attributes and inner graphs alone, whether or not a tensor is used.
    """
    _refuse_negative(tensor, name)
    filled = [field for field in _FIELDS if len(getattr(tensor, field))]
    elements = math.prod(tensor.dims)
    if len(filled) != (1 if elements else 0):
        what = " and ".join(filled) or "no data"
        raise UnsoundError(
            f"has the tensor {name!r} of the shape {list(tensor.dims)} with {what}, "
            f"expected data in {'one field' if elements else 'none'}"
        )
    found, expected, unit = _found(tensor)
    if found < expected:
        raise UnsoundError(
            f"has the tensor {name!r} of the shape {list(tensor.dims)} with {found} {unit} of "
            f"data, expected {expected}"
        )
