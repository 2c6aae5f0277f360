"""Requests as protobuf messages, made by another implementation's classes."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from modelserver.codec.calls import Codec
from modelserver.codec.protobuf import messages
from modelserver.model.contract import Contract
from modelserver.tensor.datatypes import DATATYPES, Array
from modelserver.tensor.spec import TensorSpec

CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""The field of typed contents for each datatype that has one."""


def codec_for(tensors: Mapping[str, tuple[str, Array]]) -> Codec:
    """A codec that takes and gives tensors of these datatypes in any shape of their rank."""
    specs = tuple(
        TensorSpec(name, DATATYPES[datatype], (-1,) * array.ndim)
        for name, (datatype, array) in tensors.items()
    )
    return Codec(model="sample", release="r1", contract=Contract(specs, specs))


def raw(datatype: str, array: Array) -> bytes:
    """The bytes of an array as the protocol lays them out."""
    if datatype == "BYTES":
        texts = [value.encode() for value in array.ravel()]
        return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    return array.tobytes()


def message(
    tensors: Mapping[str, tuple[str, Array]],
    *,
    typed: bool = False,
    model: str = "sample",
    **rest: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """A ModelInferRequest; `typed` asks for typed contents where the datatype has them."""
    request = messages.ModelInferRequest(model_name=model, **rest)
    for name, (datatype, array) in tensors.items():
        tensor = request.inputs.add(name=name, datatype=datatype, shape=array.shape)
        if typed:
            values = array.ravel().tolist()
            if datatype == "BYTES":
                values = [value.encode() for value in values]
            getattr(tensor.contents, CONTENTS[datatype]).extend(values)
        else:
            request.raw_input_contents.append(raw(datatype, array))
    return request


def as_rest(tensors: Mapping[str, tuple[str, Array]]) -> tuple[bytes, int]:
    """The same request in REST's binary form, and the size of its JSON."""
    contents = [raw(*each) for each in tensors.values()]
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": name,
                    "shape": array.shape,
                    "datatype": datatype,
                    "parameters": {"binary_data_size": len(content)},
                }
                for (name, (datatype, array)), content in zip(
                    tensors.items(), contents, strict=True
                )
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    return b"".join((head, *contents)), len(head)


def same(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    """Whether the arrays are equal bit for bit."""
    return one.keys() == other.keys() and all(
        array.dtype == other[name].dtype
        and array.shape == other[name].shape
        and (
            np.array_equal(array, other[name])
            if array.dtype == object
            else array.tobytes() == other[name].tobytes()
        )
        for name, array in one.items()
    )
