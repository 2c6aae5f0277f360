"""Between a ModelInferRequest and a checked call, and from arrays to a ModelInferResponse.

What is checked, and in which words it is refused, is `codec.calls` for every form of a request.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import UNSET

from modelserver.codec import binary
from modelserver.codec.buffer import Claim, unclaimed
from modelserver.codec.calls import Call, Codec
from modelserver.codec.protobuf import contents, messages, outline
from modelserver.codec.protobuf.fields import head
from modelserver.codec.protobuf.outline import Request
from modelserver.codec.protocol import InferRequest, Parameters, RequestInput, RequestOutput
from modelserver.codec.wording import quoted
from modelserver.errors import InvalidRequest
from modelserver.tensor.datatypes import Array, Datatype

Data = Callable[[Datatype, Sequence[int], Claim], Array]
"""Makes the array of a tensor, once it is known what the tensor has to be."""

_RAW_OUTPUT_CONTENTS = 6  # a field of ModelInferResponse
_MAX_SIZE = 2**31 - 1  # of a dimension, as in JSON
_IGNORED = "binary_data_size"  # a parameter of JSON's binary tensors, which some clients set here


def decode(codec: Codec, content: bytes | memoryview, claim: Claim = unclaimed) -> Call:
    """The checked call in a serialized ModelInferRequest.

    `claim` is asked for what is made of a long one, before it is made.

    Raises:
        InvalidRequest: A field is wrong; the error names the path of the first one.
        UnknownModel: It is for another model.
        UnknownRelease: It is for another release of this one.
        RequestError: There is no room for it.
    """
    request = outline.read(content)
    message = request.message
    codec.require(message.model_name, message.model_version)
    inputs, raw = message.inputs, request.raw
    if raw and len(raw) != len(inputs):
        raise InvalidRequest(
            "raw_input_contents", f"found {len(raw)}, expected {len(inputs)}: one for each input"
        )
    call = codec.call(
        InferRequest(
            inputs=_inputs(request),  # type: ignore[arg-type]  # it is read once, in this order
            id=message.id or UNSET,
            parameters=_parameters(message.parameters),
            outputs=[_output(index, output) for index, output in enumerate(message.outputs)],
        ),
        claim,
    )
    call.binary = frozenset(call.outputs)  # outputs have no other form here
    return call


def encode(codec: Codec, call: Call, arrays: Sequence[Array]) -> list[bytes | memoryview]:
    """The parts of a serialized ModelInferResponse; numbers are in them without a copy."""
    message = messages.ModelInferResponse(model_name=codec.model, model_version=codec.release)
    if call.id:
        message.id = call.id
    tail: list[bytes | memoryview] = []
    for name, array in zip(call.outputs, arrays, strict=True):
        datatype = codec.datatype(name)
        message.outputs.add(name=name, datatype=datatype.name, shape=array.shape)
        content = binary.to_bytes(datatype, array)
        tail += (head(_RAW_OUTPUT_CONTENTS, len(content)), content)
    return [message.SerializeToString(), *tail]


def _inputs(request: Request) -> Iterator[RequestInput]:
    """The inputs in the form in which `codec.calls` checks them, each made when its turn comes."""
    raw, cut = request.raw, request.cut
    for index, tensor in enumerate(request.message.inputs):
        data: Data
        if raw:
            if tensor.HasField("contents") or (cut and cut[index]):
                raise InvalidRequest(
                    f"inputs[{index}].contents", "found beside raw_input_contents; expected one"
                )
            data = partial(_raw, raw[index])
        elif cut is None:
            data = partial(contents.read, tensor.contents)
        else:
            data = partial(contents.read_cut, cut[index])
        where = f"inputs[{index}]"
        yield RequestInput(
            name=tensor.name,
            shape=_shape(tensor.shape, where),
            datatype=tensor.datatype,
            parameters=_parameters(tensor.parameters, f"{where}."),
            data=data,  # type: ignore[arg-type]  # `tensors.read` calls it
        )


def _raw(
    content: bytes | memoryview, datatype: Datatype, shape: Sequence[int], claim: Claim
) -> Array:
    if isinstance(content, memoryview):
        claim(len(content))  # it is copied where it lies unaligned
    return binary.from_bytes(datatype, shape, memoryview(content), "raw_input_contents", claim)


def _output(index: int, output: Any) -> RequestOutput:  # noqa: ANN401 - a message
    return RequestOutput(output.name, _parameters(output.parameters, f"outputs[{index}]."))


def _shape(sizes: Sequence[int], where: str) -> list[int]:
    shape = list(sizes)
    for axis, size in enumerate(shape):
        if not 0 <= size <= _MAX_SIZE:
            raise InvalidRequest(
                f"{where}.shape[{axis}]",
                f"found {size}, expected a whole number from 0 to {_MAX_SIZE}",
            )
    return shape


def _parameters(given: Mapping[str, Any], where: str = "") -> Parameters | None:
    if not given:
        return None
    found: Parameters = {}
    for name, parameter in given.items():
        choice = parameter.WhichOneof("parameter_choice")
        if choice is None:
            raise InvalidRequest(f"{where}parameters", f"{quoted(name)} has no value")
        if name != _IGNORED:
            found[name] = getattr(parameter, choice)
    return found or None
