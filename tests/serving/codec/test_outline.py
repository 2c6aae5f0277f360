"""Long arrays of numbers are read in parts, and mean the same as read whole."""

import json

import numpy as np
import pytest

from modelserver.codec.calls import Codec
from modelserver.errors import InvalidRequest
from modelserver.model.contract import Contract
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec
from modelserver.tensor.values import to_values

LONG = 40_000
SPEC = TensorSpec("x", DATATYPES["FP32"], (-1, LONG))


def codec(*specs: TensorSpec) -> Codec:
    """A codec that takes these inputs."""
    return Codec(model="sample", release="r1", contract=Contract(specs, specs))


def tensor(name: str, data: str, size: int = LONG, datatype: str = "FP32") -> str:
    """One input as JSON text."""
    return f'{{"name": "{name}", "shape": [1, {size}], "datatype": "{datatype}", "data": {data}}}'


def body(*inputs: str, rest: str = "") -> bytes:
    """A request as it is sent."""
    return f'{{"inputs": [{", ".join(inputs)}]{rest}}}'.encode()


def numbers(count: int = LONG, *, indent: int | None = None) -> str:
    """An array of as many numbers."""
    return json.dumps([n / 7 for n in range(count)], indent=indent)


@pytest.mark.parametrize("datatype", [name for name in DATATYPES if name not in {"BYTES", "BOOL"}])
def test_long_arrays_of_every_datatype_arrive(datatype: str) -> None:
    """What is read in parts equals what was sent."""
    values = [n % 100 for n in range(LONG)]
    spec = TensorSpec("x", DATATYPES[datatype], (-1, LONG))
    sent = body(tensor("x", json.dumps(values), datatype=datatype))

    call = codec(spec).decode(sent)

    assert values == to_values(spec.datatype, call.feeds["x"])


def test_white_space_and_pretty_printing_do_not_matter() -> None:
    """Line breaks between numbers and around brackets are read over."""
    sent = body(tensor("x", " \n " + numbers(indent=1)))

    call = codec(SPEC).decode(sent)

    assert np.array_equal(call.feeds["x"], np.array([n / 7 for n in range(LONG)], np.float32)[None])


def test_each_input_gets_its_own_array() -> None:
    """Of several long inputs, none gets the numbers of another; short ones stay what they are."""
    specs = [
        TensorSpec(name, DATATYPES["FP32"], (-1, size))
        for name, size in (("a", LONG), ("b", 2), ("c", LONG))
    ]
    ones, twos = json.dumps([1] * LONG), json.dumps([2.5] * LONG)
    sent = body(tensor("a", ones), tensor("b", "[7, 8]", 2), tensor("c", twos))

    feeds = codec(*specs).decode(sent).feeds

    assert {"a": 1.0, "b": 7.5, "c": 2.5} == {name: each.mean() for name, each in feeds.items()}


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (body(tensor("x", numbers()[:-1] + ",]")), "inputs[0].data[40000]: not JSON"),
        (body(tensor("x", "[" + numbers()[1:].replace(",", ",,", 1))), "inputs[0].data[1]: not"),
        (body(tensor("x", numbers()[:-1] + ", 1]")), "found 40001 elements, expected 40000"),
        (body(tensor("x", numbers()[:-1] + ', "a"]')), "inputs[0].data[40000]: found a string"),
        (body(tensor("x", numbers()[:-1] + ", NaN]")), "inputs[0].data[40000]: found NaN"),
        (
            body(tensor("x", numbers(LONG - 1)[:-1] + ", 1e39]")),
            "inputs[0].data[39999]: found 1e+39, expected a number between",
        ),
        (body(tensor("x", numbers()[:-1] + ", [1]]")), "inputs[0].data[40000]: found an array"),
        (body(tensor("x", numbers()[:-1])), "the JSON text ends early"),
        (body(tensor("x", f"[{numbers()}, [1]]")), "inputs[0].data"),
        (body(tensor("x", numbers()), rest=', "id": 5'), "id: found a whole number"),
        (body(tensor("x", numbers()), rest=', "parameters": {"data": [1]}'), "parameters"),
        (body(tensor("x", numbers()))[: LONG * 4], "the JSON text ends early"),
    ],
)
def test_mistakes_are_named_as_in_short_arrays(sent: bytes, message: str) -> None:
    """A long array that is wrong is refused with the place, not with a part of it."""
    with pytest.raises(InvalidRequest) as caught:
        codec(SPEC).decode(sent)

    assert message in str(caught.value)


def test_key_given_twice_is_refused() -> None:
    """Nobody knows which of two arrays a client means, long or not."""
    both = numbers() + ', "data": ' + json.dumps([1.0] * LONG)

    with pytest.raises(InvalidRequest, match=r"^inputs\[0\].data: found twice"):
        codec(SPEC).decode(body(tensor("x", both)))


def test_what_looks_like_data_in_a_string_is_a_string() -> None:
    """Text that quotes a request does not disturb the reading of one."""
    quoted = json.dumps('{"data": [' + "1," * LONG + "1]}")
    sent = body(tensor("x", numbers()), rest=f', "parameters": {{"note": {quoted}}}')

    call = codec(SPEC).decode(sent)

    assert (1, LONG) == call.feeds["x"].shape
