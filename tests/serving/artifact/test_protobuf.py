"""The walk over fields, held against one that reads them one by one."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver.artifact import protobuf
from modelserver.artifact.protobuf import FIXED32, FIXED64, LENGTH, RUN, VARINT
from modelserver.errors import ModelMalformed


def varint(number: int) -> bytes:
    """A number as protocol buffers write it."""
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def field(number: int, wire_type: int, value: int) -> bytes:
    """One field; of a text its length."""
    tag = varint(number << 3 | wire_type)
    made = {
        VARINT: lambda: varint(value),
        FIXED32: lambda: struct.pack("<I", value & 0xFFFFFFFF),
        FIXED64: lambda: struct.pack("<Q", value),
        LENGTH: lambda: varint(value % 300) + b"\x08" * (value % 300),
    }
    return tag + made[wire_type]()


FIELDS = st.tuples(
    st.integers(1, 40),
    st.sampled_from([VARINT, FIXED32, FIXED64, LENGTH]),
    st.integers(0, (1 << 64) - 1),
    st.sampled_from([1, 2, 16, 17, 18, 40]),
)


@given(st.lists(FIELDS, max_size=6))
def test_runs_end_where_their_fields_end(groups: list[tuple[int, int, int, int]]) -> None:
    """Taken one by one or as a run, the same numbers of fields end at the same bytes."""
    content, ends = b"", []
    for number, wire_type, value, times in groups:
        for _ in range(times):
            content += field(number, wire_type, value)
            ends.append((number, len(content)))

    found = list(protobuf.fields(content, 0, len(content)))

    assert {(number, stop) for number, *_, stop in found} <= set(ends)
    assert sum(each[1] != RUN for each in found) <= len(ends)
    assert ends[-1:] == [(number, stop) for number, *_, stop in found][-1:]


@pytest.mark.parametrize("wire_type", [3, 4, 6, 7])
def test_many_fields_of_no_wire_type_are_refused(wire_type: int) -> None:
    """However often it stands there, what is no field is none."""
    content = bytes([1 << 3 | wire_type]) * 40

    with pytest.raises(ModelMalformed, match="expected 0, 1, 2 or 5"):
        list(protobuf.fields(content, 0, len(content)))


@pytest.mark.parametrize("rest", [b"\x08", b"\x08" + b"\xff" * 12, b"\x08\xff"])
def test_a_run_that_breaks_off_is_refused(rest: bytes) -> None:
    """Numbers at the end of a run are read as strictly as any."""
    content = b"\x08\x01" * 40 + rest

    with pytest.raises(ModelMalformed):
        list(protobuf.fields(content, 0, len(content)))
