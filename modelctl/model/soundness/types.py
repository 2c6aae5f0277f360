"""Types of values: messages of onnx.TypeProto, and their names as ONNX Runtime writes them."""

from typing import Any

from modelctl.model.soundness.errors import UnsoundError

_Proto = Any  # protobuf messages carry no types here

# Source: onnx.proto, TensorProto.DataType.
_ELEMENTS = {
    1: "float",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "double",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4e2m1",
    24: "float8e8m0",
    25: "uint2",
    26: "int2",
}


def name(kind: _Proto | None) -> str:
    """Such as `tensor(float)`; empty where the type is not known as a whole.

    Raises `UnsoundError`: it has an element type that there is not.
    """
    case = kind.WhichOneof("value") if kind is not None else None
    if kind is None or case is None:
        return ""
    if case in ("tensor_type", "sparse_tensor_type"):
        return _tensor(getattr(kind, case), case.removesuffix("_type"))
    if case == "map_type":
        value = name(kind.map_type.value_type).removeprefix("tensor(").removesuffix(")")
        return f"map({_ELEMENTS.get(kind.map_type.key_type, '')},{value})" if value else ""
    if case in ("sequence_type", "optional_type"):
        inner = name(getattr(kind, case).elem_type)
        short = "seq" if case == "sequence_type" else "optional"
        return f"{short}({inner})" if inner else ""
    return ""


def _tensor(kind: _Proto, word: str) -> str:
    if not kind.elem_type:
        return ""
    if kind.elem_type not in _ELEMENTS:
        raise UnsoundError(f"has a value with the element type {kind.elem_type}")
    return f"{word}({_ELEMENTS[kind.elem_type]})"


def of_name(text: str) -> _Proto | None:
    """The type of a tensor's name, without a shape; None for any other."""
    from onnx import TypeProto  # noqa: PLC0415 - a quarter second

    kind = TypeProto()
    for number, element in _ELEMENTS.items():
        if text == f"tensor({element})":
            kind.tensor_type.elem_type = number
            return kind
    return None


def of_tensor(tensor: _Proto) -> _Proto:
    """The type of a constant."""
    from onnx import TypeProto  # noqa: PLC0415 - a quarter second

    kind = TypeProto()
    kind.tensor_type.elem_type = tensor.data_type
    kind.tensor_type.shape.SetInParent()
    for size in tensor.dims:
        kind.tensor_type.shape.dim.add().dim_value = size
    return kind


def sane(kind: _Proto) -> _Proto:
    """The same with no size below 0, which ONNX Runtime takes for one that may vary.

    Raises `UnsoundError`: a file declares a tensor without an element type.
    """
    if kind.HasField("tensor_type") and not kind.tensor_type.elem_type:
        raise UnsoundError("has a value with the element type 0")
    if not kind.HasField("tensor_type") or all(
        d.dim_value >= 0 for d in kind.tensor_type.shape.dim
    ):
        return kind
    copy = copied(kind)
    for dimension in copy.tensor_type.shape.dim:
        if dimension.dim_value < 0:
            dimension.Clear()
    return copy


def sequence_of(kind: _Proto) -> _Proto:
    """The type of a sequence of values of one type."""
    sequence = type(kind)()
    sequence.sequence_type.elem_type.CopyFrom(kind)
    return sequence


def copied(kind: _Proto) -> _Proto:
    """The same, to be changed."""
    copy = type(kind)()
    copy.CopyFrom(kind)
    return copy


def without_shape(kind: _Proto) -> _Proto:
    """The same without sizes."""
    bare = copied(kind)
    inner = bare
    while (case := inner.WhichOneof("value")) in ("sequence_type", "optional_type"):
        inner = getattr(inner, case).elem_type
    if case == "tensor_type":
        inner.tensor_type.ClearField("shape")
    return bare


def merged(inferred: _Proto, declared: _Proto) -> _Proto:
    """The inferred type with what the declared one adds; where sizes differ, with neither."""
    both = copied(inferred)
    if not (inferred.HasField("tensor_type") and declared.HasField("tensor_type")):
        return both
    if not declared.tensor_type.HasField("shape"):
        return both
    if not inferred.tensor_type.HasField("shape"):
        both.tensor_type.shape.CopyFrom(declared.tensor_type.shape)
        return both
    sizes = zip(both.tensor_type.shape.dim, declared.tensor_type.shape.dim, strict=False)
    if len(inferred.tensor_type.shape.dim) != len(declared.tensor_type.shape.dim):
        both.tensor_type.ClearField("shape")
    elif all(_agree(ours, theirs) for ours, theirs in sizes):
        _fill(both, declared)
    else:
        _keep_equal(both, declared)
    return both


def united(one: _Proto, two: _Proto) -> _Proto:
    """The type of what is one or the other: with the sizes that both have."""
    if not (one.HasField("tensor_type") and two.HasField("tensor_type")):
        return without_shape(one)
    shapes = [each.tensor_type.HasField("shape") for each in (one, two)]
    if not all(shapes) or len(one.tensor_type.shape.dim) != len(two.tensor_type.shape.dim):
        return without_shape(one)
    both = copied(one)
    _keep_equal(both, two)
    return both


def agree(one: _Proto, other: _Proto) -> bool:
    """Whether two types of tensors may be one: the same number of sizes, none of which differ."""
    if not (one.HasField("tensor_type") and other.HasField("tensor_type")):
        return True
    ours, theirs = one.tensor_type, other.tensor_type
    if not (ours.HasField("shape") and theirs.HasField("shape")):
        return True
    return len(ours.shape.dim) == len(theirs.shape.dim) and all(
        map(_agree, ours.shape.dim, theirs.shape.dim)
    )


def _agree(one: _Proto, other: _Proto) -> bool:
    known = one.HasField("dim_value") and other.HasField("dim_value")
    return not known or one.dim_value == other.dim_value


def _fill(target: _Proto, source: _Proto) -> None:
    for ours, theirs in zip(
        target.tensor_type.shape.dim, source.tensor_type.shape.dim, strict=True
    ):
        if not ours.HasField("dim_value"):
            ours.CopyFrom(theirs)


def _keep_equal(target: _Proto, source: _Proto) -> None:
    for ours, theirs in zip(
        target.tensor_type.shape.dim, source.tensor_type.shape.dim, strict=True
    ):
        if not (ours.HasField("dim_value") and ours == theirs):
            ours.Clear()
