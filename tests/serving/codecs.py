"""Codecs without a server, and what is said to them."""

import json
from typing import Any

import pytest

from modelserver.codec.calls import Codec
from modelserver.errors import InvalidRequest
from modelserver.model.contract import Contract, TensorSpec
from modelserver.tensor.datatypes import DATATYPES


def codec_of(*inputs: tuple[str, str, tuple[int, ...]], **options: Any) -> Codec:  # noqa: ANN401
    """A codec whose outputs are the inputs, each called out_<name>."""
    specs = [TensorSpec(name, DATATYPES[datatype], shape) for name, datatype, shape in inputs]
    outputs = [TensorSpec(f"out_{spec.name}", spec.datatype, spec.shape) for spec in specs]
    contract = Contract(tuple(specs), tuple(outputs))
    return Codec(model="sample", release="r1", contract=contract, **options)


def request(*inputs: dict[str, Any], **rest: Any) -> bytes:  # noqa: ANN401
    """A request body; a tensor's missing fields are those of x, FP32, shape [1, 2]."""
    defaults = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2]}
    return json.dumps({"inputs": [defaults | each for each in inputs], **rest}).encode()


def problem(codec: Codec, body: bytes) -> str:
    """The message with which a request is refused."""
    with pytest.raises(InvalidRequest) as caught:
        codec.decode(body)
    return str(caught.value)
