"""Whether a model is whole: no tensor in another file, no compiled engine; the server asks too."""

from collections.abc import Iterator
from typing import Any

from modelctl.model.soundness.errors import UnsoundError

_Proto = Any  # protobuf messages carry no types here

# Message fields in which tensors and nodes can lie. Source: onnx.proto.
_CHILDREN = {
    "ModelProto": (("graph",), ("training_info", "functions")),
    "TrainingInfoProto": (("initialization", "algorithm"), ()),
    "GraphProto": ((), ("node", "initializer", "sparse_initializer")),
    "FunctionProto": ((), ("node", "attribute_proto")),
    "NodeProto": ((), ("attribute",)),
    "AttributeProto": (
        ("t", "g", "sparse_tensor"),
        ("tensors", "graphs", "sparse_tensors"),
    ),
    "SparseTensorProto": (("values", "indices"), ()),
    "TensorProto": ((), ()),
}


def check(model: _Proto) -> None:
    """Return if the model needs no other file.

    Raises `UnsoundError`: a tensor is kept in another file, or a node holds a compiled engine.
    """
    pending = [model]
    while pending:
        message = pending.pop()
        kind = message.DESCRIPTOR.name
        if kind == "TensorProto":
            _refuse_external_data(message)
        elif kind == "NodeProto" and message.op_type == "EPContext":
            raise UnsoundError("holds a compiled engine (EPContext), expected the plain ONNX model")
        pending += _children(message, kind)


def _children(message: _Proto, kind: str) -> Iterator[_Proto]:
    single, repeated = _CHILDREN[kind]
    for name in single:
        if message.HasField(name):
            yield getattr(message, name)
    for name in repeated:
        yield from getattr(message, name)


def _refuse_external_data(tensor: _Proto) -> None:
    if tensor.data_location or tensor.external_data:
        raise UnsoundError(
            f"keeps tensor {tensor.name!r} in another file, whose bytes no digest pins"
        )
