"""Requests that are made up from a contract."""

import random
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.model.example import request
from modelctl.model.tensors import Contract, TensorSpec

DATATYPES = (
    *("BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
    *("FP16", "BF16", "FP32", "FP64", "BYTES"),
)
SPECS = st.builds(
    TensorSpec,
    st.text(min_size=1, max_size=5),
    st.sampled_from(DATATYPES),
    st.lists(st.integers(-1, 4), max_size=4).map(tuple),
)


@given(st.lists(SPECS, min_size=1, max_size=3), st.integers())
def test_request_fits_the_contract(specs: list[TensorSpec], seed: int) -> None:
    """Every input is there with its datatype, its sizes and as many elements as they say."""
    made = request(Contract(tuple(specs), ()), random.Random(seed))  # noqa: S311 - no secret

    tensors: list[dict[str, object]] = made["inputs"]  # type: ignore[assignment]
    assert [(s.name, s.datatype) for s in specs] == [(t["name"], t["datatype"]) for t in tensors]
    for spec, tensor in zip(specs, tensors, strict=True):
        shape: list[int] = tensor["shape"]  # type: ignore[assignment]
        assert all(want in (size, -1) for want, size in zip(spec.shape, shape, strict=True))
        assert prod(shape) == len(tensor["data"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("datatype", "kind"), [("BOOL", bool), ("BYTES", str), ("INT64", int), ("BF16", float)]
)
def test_elements(datatype: str, kind: type) -> None:
    """An element is of the JSON type that its datatype has."""
    contract = Contract((TensorSpec("x", datatype, (8,)),), ())

    made = request(contract, random.Random(1))  # noqa: S311 - no secret

    assert {kind} == {type(value) for value in made["inputs"][0]["data"]}  # type: ignore[index]
