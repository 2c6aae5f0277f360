"""The JSON of the Open Inference Protocol V2 as typed structures.

Source: Open Inference Protocol, REST API, version 2 (inference request and response objects).
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

# One size of a shape; a larger number is a mistake, whatever the tensor.
Size = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Parameters = dict[str, str | float | int | bool]


class RequestInput(Struct, frozen=True, gc=False):
    """One input tensor; `data` stays text until the datatype and the shape are known."""

    name: str
    shape: list[Size]
    datatype: str
    parameters: Parameters | None = None
    data: Raw | UnsetType = UNSET


class RequestOutput(Struct, frozen=True, gc=False):
    """One output tensor that the client wants."""

    name: str
    parameters: Parameters | None = None


class InferRequest(Struct, frozen=True, gc=False):
    """A whole request; fields that the protocol does not name are ignored."""

    inputs: list[RequestInput]
    id: str | UnsetType = UNSET
    parameters: Parameters | None = None
    outputs: list[RequestOutput] | None = None


class ResponseOutput(Struct, frozen=True, gc=False, omit_defaults=True):
    """One output tensor; `data` is in row-major order, and absent where it follows as raw bytes."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[Any] | UnsetType = UNSET
    parameters: Parameters | UnsetType = UNSET


class InferResponse(Struct, frozen=True, gc=False, omit_defaults=True):
    """A whole answer."""

    model_name: str
    model_version: str
    outputs: list[ResponseOutput]
    id: str | UnsetType = UNSET


class ErrorBody(Struct, frozen=True, gc=False):
    """Every answer with a status of 400 or more."""

    error: str


def flat_request_decoder(element: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type form
    """A quick decoder of requests in which every tensor is a flat array of `element`.

    It makes the elements in the same pass, and gives structures with the fields of `InferRequest`.
    What it refuses is not always wrong: the tensor may be nested, or binary.
    """
    tensor = msgspec.defstruct(
        "FlatInput",
        [
            ("name", str),
            ("shape", list[Size]),
            ("datatype", str),
            ("data", list[element]),
            ("parameters", Parameters | None, None),
        ],
        frozen=True,
        gc=False,
    )
    return msgspec.json.Decoder(
        msgspec.defstruct(
            "FlatRequest",
            [
                ("inputs", list[tensor]),  # type: ignore[valid-type]  # made at run time
                ("id", str | UnsetType, UNSET),
                ("parameters", Parameters | None, None),
                ("outputs", list[RequestOutput] | None, None),
            ],
            frozen=True,
            gc=False,
        )
    )


decode_request = msgspec.json.Decoder(InferRequest).decode
encode = msgspec.json.Encoder().encode
