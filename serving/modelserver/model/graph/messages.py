"""A message of an ONNX file as lists of values by field, by a table of the fields that matter."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from modelserver.artifact import protobuf
from modelserver.artifact.protobuf import LENGTH, RUN, VARINT, Bytes
from modelserver.errors import ModelMalformed

Decode = Callable[[Bytes, int, int, int], Sequence[Any]]
"""The values in one field, from the content, the wire type, the value and the stop of it."""

Table = Mapping[int, tuple[str, Decode]]
"""Of a message: by the number of a field what it is called here, and how it is read."""

Found = Mapping[str, list[Any]]
"""The values by field; a field that is missing has none."""


SKIPPED = "skipped"
"""Under this name are those of fields that hold too many numbers to be read."""

_MANY_BYTES = 1 << 14


def read(content: Bytes, start: int, end: int, table: Table) -> Found:
    """The fields of a message that are in its table; others are skipped.

    Raises:
        ModelMalformed: What lies there is no such message.
    """
    found: Found = defaultdict(list)
    for number, wire_type, value, stop in protobuf.fields(content, start, end):
        if entry := table.get(number):
            name, decode = entry
            if decode in _NUMBERS and wire_type != VARINT and stop - value > _MANY_BYTES:
                found[SKIPPED].append(name)
                continue
            found[name].extend(decode(content, wire_type, value, stop))
    return found


def last(found: Found, name: str, default: Any) -> Any:  # noqa: ANN401 - values of any kind
    """The value of a field that has one: the last, as protocol buffers have it."""
    values = found[name]
    return values[-1] if values else default


def text(content: Bytes, wire_type: int, value: int, stop: int) -> Sequence[str]:
    """A string; bytes that are not UTF-8 stay distinct."""
    _expect(wire_type, (LENGTH,), stop)
    return (content[value:stop].decode("utf-8", "surrogateescape"),)


def span(_content: Bytes, wire_type: int, value: int, stop: int) -> Sequence[tuple[int, int]]:
    """Where the content of the field begins and stops."""
    _expect(wire_type, (LENGTH,), stop)
    return ((value, stop),)


def integers(content: Bytes, wire_type: int, value: int, stop: int) -> Sequence[int]:
    """An int64, or a packed run of them."""
    if wire_type == VARINT:
        return (protobuf.signed(value),)
    _expect(wire_type, (LENGTH, RUN), stop)
    numbers = []
    while value < stop:
        value += wire_type == RUN  # the tag of one of them
        number, value = protobuf.varint(content, value, stop)
        numbers.append(protobuf.signed(number))
    return numbers


def floats(content: Bytes, wire_type: int, value: int, stop: int) -> Sequence[float]:
    """A float of 4 bytes, or a packed run of them."""
    return _fixed(content, wire_type, value, stop, "<f4")


def doubles(content: Bytes, wire_type: int, value: int, stop: int) -> Sequence[float]:
    """A float of 8 bytes, or a packed run of them."""
    return _fixed(content, wire_type, value, stop, "<f8")


def _fixed(content: Bytes, wire_type: int, value: int, stop: int, layout: str) -> Sequence[float]:
    if wire_type == RUN:
        return _tagged(content, value, stop, layout)
    if wire_type == VARINT or (stop - value) % np.dtype(layout).itemsize:
        raise ModelMalformed(f"byte {stop}: found a number of the wrong size; export it again")
    numbers: list[float] = np.frombuffer(content[value:stop], layout).tolist()
    return numbers


def _tagged(content: Bytes, value: int, stop: int, layout: str) -> Sequence[float]:
    """The floats of a run, each behind its tag."""
    fields = np.dtype([("tag", "u1"), ("number", layout)])
    if (stop - value) % fields.itemsize:
        raise ModelMalformed(f"byte {stop}: found a number of the wrong size; export it again")
    numbers: list[float] = np.frombuffer(content[value:stop], fields)["number"].tolist()
    return numbers


_NUMBERS = (integers, floats, doubles)


def _expect(wire_type: int, expected: tuple[int, ...], stop: int) -> None:
    if wire_type not in expected:
        raise ModelMalformed(
            f"byte {stop}: found wire type {wire_type}, expected {expected[0]}; "
            "the artifact is not an ONNX model"
        )
