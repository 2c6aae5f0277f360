"""Protobuf's text format without a schema, beside the library's own reader that has one."""

import onnx
import pytest
from google.protobuf import json_format, text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import StringStringEntryProto, helper

from modelctl.errors import UsageError
from modelctl.importing import pbtxt

_CONFIG = """
# a comment
name: "de" 'nse'  # adjacent strings are one
max_batch_size : 8
input [
  { name: "x", data_type: TYPE_FP32 dims: [ 3, -1 ] reshape { shape: [ ] } },
  { name: "y"; data_type: TYPE_INT64; dims: 1 dims: 2 }
]
output < name: "z" dims: 0x10 >
dynamic_batching { }
rate: 1.5e3
"""


def test_every_spelling_of_the_format_is_read() -> None:
    """Comments, joined strings, lists, both brackets, separators and repeated fields."""
    assert {
        "name": "dense",
        "max_batch_size": 8,
        "input": [
            {"name": "x", "data_type": "TYPE_FP32", "dims": [3, -1], "reshape": {"shape": []}},
            {"name": "y", "data_type": "TYPE_INT64", "dims": [1, 2]},
        ],
        "output": {"name": "z", "dims": 16},
        "dynamic_batching": {},
        "rate": 1500.0,
    } == pbtxt.read(_CONFIG, "config.pbtxt")


@pytest.mark.parametrize(
    "text",
    ['name: "x', "input [ {", "a: [1 2]", "}", "a b: 1", "a: ,", "a {" * 60 + "}" * 60, "= 1"],
)
def test_what_is_no_text_format_is_refused_with_its_place(text: str) -> None:
    """The message begins with file, line and column, whatever is wrong."""
    with pytest.raises(UsageError, match=r"^config\.pbtxt:1:\d+ : "):
        pbtxt.read(text, "config.pbtxt")


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=4), st.integers(0, 9))
def test_the_reader_says_what_the_library_says(texts: dict[str, str], number: int) -> None:
    """Of a message that the library writes, fields and values are those that it reads itself."""
    graph = helper.make_graph([], "g", [], [])
    message = helper.make_model(graph, ir_version=number + 1)
    message.metadata_props.extend(
        StringStringEntryProto(key=key, value=value) for key, value in texts.items()
    )

    found = pbtxt.read(text_format.MessageToString(message), "model.txt")

    expected = json_format.MessageToDict(message, preserving_proto_field_name=True)
    entries = found.get("metadata_props", [])
    entries = entries if isinstance(entries, list) else [entries]
    assert expected.get("metadata_props", []) == entries
    assert int(expected["ir_version"]) == found["ir_version"]
    assert isinstance(message, onnx.ModelProto)
