"""Codecs without a server, and what is said to them."""

import json
from typing import Any

import pytest

from modelserver.codec.calls import Codec
from modelserver.errors import InvalidRequest
from modelserver.model.contract import Contract
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec

ROUND_TRIPS: dict[str, list[Any]] = {
    "BOOL": [True, False],
    "UINT8": [0, 255],
    "UINT16": [0, 65535],
    "UINT32": [0, 2**32 - 1],
    "UINT64": [0, 2**64 - 1],
    "INT8": [-128, 127],
    "INT16": [-(2**15), 2**15 - 1],
    "INT32": [-(2**31), 2**31 - 1],
    "INT64": [-(2**63), 2**63 - 1],
    "FP16": [0.5, -65504.0],
    "FP32": [0.5, -3.4028234663852886e38],
    "FP64": [0.1, 1.7976931348623157e308],
    "BF16": [1.5, -2.0],
    "BYTES": ["", "a\u0000é😀"],
}
"""Extreme elements of each datatype, equal after a way through JSON and back."""


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
