"""What one call makes this process hold, and whether that is within its limits. Pure.

Everything here is looked at for large calls only: `SMALL_BYTES` says which bodies are not worth it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from modelserver.codec.calls import Call
from modelserver.errors import RequestTooLarge
from modelserver.inference.limits import Limits
from modelserver.tensor.datatypes import Array

SMALL_BYTES = 64 << 10
"""Bodies up to this size are not counted beyond themselves: all in flight together are little."""

LARGE_ANSWER = 8192
"""Elements: what an array has beyond these is counted before it is written."""

# The most characters of one element in JSON, its comma included.
_TEXT: Mapping[str, int] = MappingProxyType(
    {
        "b1": 6,
        "i1": 5,
        "u1": 4,
        "i2": 7,
        "u2": 25,  # the bits of BF16 as well
        "i4": 12,
        "u4": 11,
        "i8": 21,
        "u8": 21,
        "f2": 25,
        "f4": 25,
        "f8": 25,
    }
)
_STRING_BYTES = 64  # of a string as an object, beside its text
_QUOTED = 3  # bytes of a string's quotes and the comma behind it
_ESCAPED = 6  # characters of one in JSON

_REMEDY = "send less in one request, or raise resources.memory of the release"


@dataclass(frozen=True, slots=True)
class Rows:
    """Bytes for each row: that a run takes, and those of the arrays which it gives."""

    run_bytes: float
    answer_bytes: float


def running(call: Call, limits: Limits, rows: Rows | None, *, is_view: bool) -> int:
    """Bytes that are held beside the body of a call while it waits and runs.

    `is_view` says that its arrays lie in the body.

    Raises:
        RequestTooLarge: One call may not take as much.
    """
    taken = [_held(array) for array in call.feeds.values()]
    if sum(taken) > limits.tensor_bytes:
        raise RequestTooLarge(
            f"inputs: found tensors of {sum(taken)} bytes, expected at most {limits.tensor_bytes} "
            f"in one request; {_REMEDY}"
        )
    answer = 0
    if rows is not None:
        if call.rows > limits.rows:
            raise RequestTooLarge(_too_many_rows(call.rows, limits.rows, rows))
        answer = int(call.rows * rows.answer_bytes)
        if answer > limits.output_bytes:
            raise _answer_too_large(answer, limits.output_bytes)
    return answer + (0 if is_view else sum(taken))


def answering(call: Call, arrays: Sequence[Array], limits: Limits) -> int:
    """Bytes that are held beside body and inputs while an answer is written.

    Raises:
        RequestTooLarge: No answer may be as large.
    """
    texts = longest(call, arrays)
    if texts > limits.output_bytes:
        raise _answer_too_large(texts, limits.output_bytes)
    return sum(map(_held, arrays)) + texts


def longest(call: Call, arrays: Sequence[Array]) -> int:
    """The most bytes that the tensors of an answer take as it is sent."""
    return sum(
        _held(array) if name in call.binary else _text(array)
        for name, array in zip(call.outputs, arrays, strict=True)
    )


def is_large(arrays: Sequence[Array]) -> bool:
    """Whether an answer is large enough to be counted."""
    for array in arrays:  # noqa: SIM110 - asked of every answer: a generator takes thrice as long
        if array.size > LARGE_ANSWER:
            return True
    return False


def _held(array: Array) -> int:
    if array.dtype != object:
        return array.nbytes
    return array.size * _STRING_BYTES + sum(map(len, array.ravel()))


def _text(array: Array) -> int:
    if array.dtype != object:
        return array.size * _TEXT[array.dtype.str[1:]]
    return _QUOTED * array.size + _ESCAPED * sum(map(len, array.ravel()))


def _too_many_rows(found: int, most: int, rows: Rows) -> str:
    return (
        f"inputs: found {found} rows, expected at most {most} in one request (a run takes about "
        f"{rows.run_bytes:.0f} bytes of memory for each); {_REMEDY}"
    )


def _answer_too_large(found: int, most: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"outputs: the answer may take {found} bytes, expected at most {most}; ask for fewer "
        f"outputs or for binary ones, {_REMEDY}"
    )
