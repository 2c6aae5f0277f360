"""Requests and answers as protobuf messages, without a server."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver.codec.protobuf import calls, contents, messages, outline
from modelserver.errors import (
    InvalidRequest,
    Overloaded,
    RequestError,
    UnknownModel,
    UnknownRelease,
)
from modelserver.tensor.datatypes import DATATYPES, Array
from tests.serving.codec.protobuf.asked import CONTENTS, as_rest, codec_for, message, raw, same
from tests.serving.codec.protobuf.tensors import tensors

Tensors = dict[str, tuple[str, Array]]
X: Tensors = {"x": ("FP32", np.array([[1.5, 2]], np.float32))}


def problem(request: Any, like: Tensors = X) -> str:  # noqa: ANN401
    """The message with which a request is refused."""
    content = request if isinstance(request, bytes) else request.SerializeToString()
    with pytest.raises(RequestError) as caught:
        calls.decode(codec_for(like), content)
    return str(caught.value)


@given(tensors(tuple(DATATYPES)))
def test_raw_contents_are_read_as_binary_tensors_of_rest_are(asked: Tensors) -> None:
    """The same bytes become the same arrays, and the arrays the same bytes again."""
    codec = codec_for(asked)

    call = calls.decode(codec, message(asked).SerializeToString())
    rest = codec.decode(*as_rest(asked))
    arrays = [call.feeds[name] for name in call.outputs]
    answer = messages.ModelInferResponse.FromString(b"".join(calls.encode(codec, call, arrays)))
    rest_answer = codec.encode(rest, arrays)

    assert same(rest.feeds, call.feeds)
    assert (rest.rows, rest.outputs) == (call.rows, call.outputs)
    assert rest_answer.body[rest_answer.json_bytes :] == b"".join(answer.raw_output_contents)
    assert [(name, *asked[name][1].shape) for name in call.outputs] == [
        (output.name, *output.shape) for output in answer.outputs
    ]


@given(tensors(tuple(CONTENTS)))
def test_typed_contents_mean_the_same_as_raw_ones(asked: Tensors) -> None:
    """Values become the arrays that their bytes become."""
    codec = codec_for(asked)

    typed = calls.decode(codec, message(asked, typed=True).SerializeToString())
    plain = calls.decode(codec, message(asked).SerializeToString())

    for name, array in plain.feeds.items():
        assert typed.feeds[name].dtype == array.dtype
        assert np.array_equal(array, typed.feeds[name], equal_nan=array.dtype.kind == "f")


@given(tensors(tuple(CONTENTS)), st.booleans(), st.integers(0, 40))
def test_long_messages_are_read_as_short_ones(
    asked: Tensors,
    typed: bool,  # noqa: FBT001
    part_bytes: int,
) -> None:
    """Cutting the contents out, and reading them in parts, changes nothing."""
    codec = codec_for(asked)
    content = message(asked, typed=typed).SerializeToString()
    whole = calls.decode(codec, content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outline, "read", outline.read_long)
        patch.setattr(contents, "PART_BYTES", 8 + part_bytes)
        cut = calls.decode(codec, content)

    assert same(whole.feeds, cut.feeds)


@given(tensors(tuple(CONTENTS)), st.booleans(), st.data())
def test_damaged_messages_are_refused_or_read_alike(
    asked: Tensors,
    typed: bool,  # noqa: FBT001
    data: st.DataObject,
) -> None:
    """Whatever bytes come, the answer is a call or an error of the request, short way or long."""
    codec = codec_for(asked)
    content = bytearray(message(asked, typed=typed).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        match data.draw(st.sampled_from(("set", "cut", "add"))):
            case "set" if place < len(content):
                content[place] = data.draw(st.integers(0, 255))
            case "cut":
                del content[place : place + data.draw(st.integers(1, 8))]
            case _:
                content[place:place] = data.draw(st.binary(max_size=8))
    feeds = []
    for read in (outline.read, outline.read_long):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(outline, "read", read)
            try:
                feeds.append(calls.decode(codec, bytes(content)).feeds)
            except RequestError:
                feeds.append({})

    assert same(*feeds)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(content: bytes) -> None:
    """No bytes are a request for the model unless they name it."""
    assert problem(content)


def test_id_and_outputs_are_taken_over() -> None:
    """The answer has the client's id, and only the outputs that it named."""
    both = {"x": X["x"], "z": X["x"]}
    codec = codec_for(both)
    request = message(both, id="seven", model_version="r1")
    request.outputs.add(name="z")
    call = calls.decode(codec, request.SerializeToString())

    parts = calls.encode(codec, call, [call.feeds["z"]])
    answer = messages.ModelInferResponse.FromString(b"".join(parts))

    assert ("seven", "sample", "r1") == (answer.id, answer.model_name, answer.model_version)
    assert ["z"] == [output.name for output in answer.outputs]
    assert [raw(*X["x"])] == list(answer.raw_output_contents)


def test_request_without_an_id_gets_none() -> None:
    """An id is nobody's to invent."""
    codec = codec_for(X)
    call = calls.decode(codec, message(X).SerializeToString())

    parts = calls.encode(codec, call, [call.feeds["x"]])

    assert "" == messages.ModelInferResponse.FromString(b"".join(parts)).id


def test_other_model_and_other_release_are_not_found() -> None:
    """A message names its model, whatever route brought it."""
    codec = codec_for(X)

    with pytest.raises(UnknownModel, match=r"^model: found 'other', expected 'sample'$"):
        calls.decode(codec, message(X, model="other").SerializeToString())
    with pytest.raises(UnknownRelease, match=r"^release: found 'r2', expected 'r1'$"):
        calls.decode(codec, message(X, model_version="r2").SerializeToString())


def changed(**changes: Any) -> Any:  # noqa: ANN401
    """A request for x whose tensor has other fields."""
    request = message(X)
    for name, value in changes.items():
        if name == "shape":
            request.inputs[0].shape[:] = value
        elif name == "raw":
            request.raw_input_contents[:] = value
        else:
            setattr(request.inputs[0], name, value)
    return request


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (changed(name="y"), "inputs[0].name: found 'y'; expected x"),
        (changed(datatype="FP64"), "inputs[0].datatype: found 'FP64', expected FP32"),
        (
            changed(shape=[1, -2]),
            "inputs[0].shape[1]: found -2, expected a whole number from 0 to 2147483647",
        ),
        (changed(shape=[1]), "inputs[0].shape: found 1 dimensions, expected 2: [-1, -1]"),
        (
            changed(raw=[b"1234"]),
            "inputs[0].raw_input_contents: found 4 bytes, expected 8 by shape [1, 2]",
        ),
        (
            changed(raw=[b"12345678", b""]),
            "raw_input_contents: found 2, expected 1: one for each input",
        ),
        (
            changed(raw=[]),
            "inputs[0].contents.fp32_contents: found 0 elements, expected 2 by shape [1, 2]",
        ),
        (messages.ModelInferRequest(model_name="sample"), "inputs: x is missing"),
        (b"\x0a\xff", "message: found other bytes, expected a protobuf message"),
    ],
)
def test_mistakes_are_named(request_: Any, expected: str) -> None:  # noqa: ANN401
    """What was found, what was expected, and where, in REST's words."""
    assert expected == problem(request_)


def test_typed_and_raw_contents_together_are_refused() -> None:
    """The protocol allows one of the two."""
    request = message(X)
    request.inputs[0].contents.fp32_contents.extend([1, 2])

    assert "inputs[0].contents: found beside raw_input_contents; expected one" == problem(request)


def test_contents_of_another_datatype_are_refused() -> None:
    """Values are not converted between datatypes."""
    request = message(X, typed=True)
    request.inputs[0].contents.int64_contents.append(1)

    assert "inputs[0].contents: found int64_contents, expected fp32_contents for FP32" == problem(
        request
    )


def test_datatypes_of_16_bits_have_no_typed_contents() -> None:
    """The protocol has no field for them."""
    half = {"x": ("FP16", np.array([[1, 2]], np.float16))}
    request = message(half)
    del request.raw_input_contents[:]

    assert "inputs[0].raw_input_contents: is missing; FP16 has no other form" == problem(
        request, half
    )


@pytest.mark.parametrize("long", [False, True])
def test_number_out_of_range_is_named(
    monkeypatch: pytest.MonkeyPatch,
    long: bool,  # noqa: FBT001
) -> None:
    """The field is wider than the datatype; the element counts from the tensor's begin."""
    asked = {"x": ("INT8", np.array([1, 2, 3], np.int8))}
    request = message(asked, typed=True)
    request.inputs[0].contents.int_contents[2] = 300
    if long:
        monkeypatch.setattr(outline, "read", outline.read_long)
        monkeypatch.setattr(contents, "PART_BYTES", 1)

    assert (
        "inputs[0].contents.int_contents[2]: found 300, expected a whole number from -128 to 127"
        == problem(request, asked)
    )


def test_string_that_is_not_utf8_is_named() -> None:
    """The model takes text."""
    asked = {"x": ("BYTES", np.array(["a", "b"], object))}
    request = message(asked, typed=True)
    request.inputs[0].contents.bytes_contents[1] = b"\xff"

    assert "inputs[0].contents.bytes_contents[1]: is not UTF-8" == problem(request, asked)


def test_parameter_without_a_value_is_refused() -> None:
    """An unknown kind of value must not be taken for none."""
    request = message(X)
    request.parameters["priority"].SetInParent()

    assert "parameters: 'priority' has no value" == problem(request)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("parameters", "sequence_id"),
        ("inputs[0].parameters", "shared_memory_region"),
        ("outputs[0].parameters", "classification"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(where: str, name: str) -> None:
    """Parameters follow the rules of REST, wherever they stand."""
    request = message(X)
    request.outputs.add(name="x")
    owner = {"parameters": request, "inputs[0].parameters": request.inputs[0]}
    owner.get(where, request.outputs[0]).parameters[name].int64_param = 3

    assert problem(request).startswith(f"{where}.{name}: found '3', not supported; ")


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("datatype", ["FP32", "BYTES"])
def test_memory_of_long_messages_is_claimed_before_it_is_taken(
    datatype: str,
    typed: bool,  # noqa: FBT001
) -> None:
    """Whoever counts hears of at least what the array takes, and may refuse it."""
    values: Any = np.arange(40_000)
    array = values.astype(str).astype(object) if datatype == "BYTES" else values.astype(np.float32)
    asked = {"x": (datatype, array)}
    codec, content = codec_for(asked), message(asked, typed=typed).SerializeToString()
    claimed: list[int] = []

    def refuse(_size: int) -> None:
        raise Overloaded("no room")

    call = calls.decode(codec, content, claimed.append)

    assert same({"x": array}, call.feeds)
    assert sum(claimed) >= call.feeds["x"].nbytes
    with pytest.raises(Overloaded):
        calls.decode(codec, content, refuse)


def test_size_of_binary_data_is_ignored() -> None:
    """Some clients send the parameter of REST's binary tensors here as well."""
    request = message(X)
    request.inputs[0].parameters["binary_data_size"].int64_param = 3

    call = calls.decode(codec_for(X), request.SerializeToString())

    assert same({"x": X["x"][1]}, call.feeds)


@pytest.mark.parametrize(
    ("hostile", "found"),
    [
        (b"\x2a\x00" * 50_000, "more than 4096 fields"),
        (b"\x3a\x00" * 50_000, "more than 4096 fields"),
        (b"\x2a\x82\x71" + b"\x2a\x00" * 7_233, "more than 4096 fields"),
        (b"\x1a\xa0\x8d\x06" + b"x" * 100_000, "more than 65536 bytes"),
    ],
)
def test_long_message_of_no_tensors_is_refused_before_it_is_made(
    hostile: bytes, found: str
) -> None:
    """Many or long fields beside the contents would become forty times their bytes."""
    content = hostile + b"\x3a\xa0\x8d\x06" + bytes(100_000)

    assert problem(content) == (
        f"message: found {found} beside the contents of tensors, expected at most these"
    )


def test_large_tensor_is_not_copied() -> None:
    """The array of a large raw tensor is the memory of the request itself."""
    large = {"x": ("FP32", np.arange(100_000, dtype=np.float32))}
    content = message(large).SerializeToString()

    call = calls.decode(codec_for(large), content)

    assert np.shares_memory(call.feeds["x"], np.frombuffer(content, np.uint8)) or (
        np.frombuffer(content, np.uint8).ctypes.data % 4 != 0
    )
    assert same({"x": large["x"][1]}, call.feeds)


def test_refusal_is_an_error_of_the_request() -> None:
    """Whoever catches errors of requests catches these too."""
    with pytest.raises(InvalidRequest):
        calls.decode(codec_for(X), b"\x0a")
