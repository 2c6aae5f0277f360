"""The protocol's datatypes, and what each of them is in JSON, in memory and for ONNX Runtime."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Datatype:
    """One datatype of the protocol.

    `ort_type` is ONNX Runtime's name of its tensors. `dtype` says how elements lie in memory (BF16:
    their raw bits; BYTES: Python strings), and `code` says the same to `struct` (empty: it has no
    such type). `element` is the msgspec type of one element in JSON, with its range; `expected`
    puts that type into words.
    """

    name: str
    ort_type: str
    dtype: np.dtype[Any]
    code: str
    element: Any
    expected: str

    def __reduce__(self) -> tuple[Any, ...]:
        """What it is in another process: that of the name."""
        return _named, (self.name,)

    @property
    def unbounded(self) -> Any:  # noqa: ANN401 - a type form
        """`element`, without its range where packing with `code` checks that: half the work."""
        return (get_args(self.element) or (self.element,))[0] if self.code else self.element


def _named(name: str) -> Datatype:
    return DATATYPES[name]


def _integer(name: str, code: str, bits: int, *, signed: bool) -> Datatype:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    # msgspec bounds must fit in an int64: UINT64's upper one is checked when the tensor is built.
    limits = msgspec.Meta(ge=low, le=high) if high < 2**63 else msgspec.Meta(ge=low)
    return Datatype(
        name=name,
        ort_type=f"tensor({name.lower()})",
        dtype=np.dtype(name.lower()),
        code=code,
        element=Annotated[int, limits],
        expected=f"a whole number from {low} to {high}",
    )


def _real(name: str, ort_type: str, dtype: str, code: str, limit: float | None) -> Datatype:
    """Real numbers below `limit`, the first that would round to infinity (None: no number does)."""
    element: Any = float if limit is None else Annotated[float, msgspec.Meta(gt=-limit, lt=limit)]
    words = "a finite number" if limit is None else f"a number between -{limit:.5g} and {limit:.5g}"
    return Datatype(name, ort_type, np.dtype(dtype), code, element, words)


_ALL = (
    Datatype("BOOL", "tensor(bool)", np.dtype(np.bool_), "?", bool, "true or false"),
    _integer("UINT8", "B", 8, signed=False),
    _integer("UINT16", "H", 16, signed=False),
    _integer("UINT32", "I", 32, signed=False),
    _integer("UINT64", "Q", 64, signed=False),
    _integer("INT8", "b", 8, signed=True),
    _integer("INT16", "h", 16, signed=True),
    _integer("INT32", "i", 32, signed=True),
    _integer("INT64", "q", 64, signed=True),
    _real("FP16", "tensor(float16)", "float16", "e", 65520.0),
    _real("FP32", "tensor(float)", "float32", "f", 2.0**128 - 2.0**103),
    _real("FP64", "tensor(double)", "float64", "d", None),
    _real("BF16", "tensor(bfloat16)", "uint16", "", 2.0**128 - 2.0**119),
    Datatype("BYTES", "tensor(string)", np.dtype(object), "", str, "a string"),
)

DATATYPES: Mapping[str, Datatype] = MappingProxyType({each.name: each for each in _ALL})
"""Each datatype by its name in the protocol."""

BY_ORT_TYPE: Mapping[str, Datatype] = MappingProxyType({each.ort_type: each for each in _ALL})
"""Each datatype by ONNX Runtime's name of its tensors."""
