"""Outputs without a declared shape get the one that follows from the graph."""

from typing import Any

_Proto = Any  # protobuf messages carry no types here


def apply(model: _Proto) -> list[str]:
    """Declare the shape of each output that has none, as far as ONNX's inference knows it."""
    bare = [value for value in model.graph.output if _is_bare(value)]
    if not bare:
        return []
    from onnx import shape_inference  # noqa: PLC0415 - the child alone needs it

    try:
        inferred = shape_inference.infer_shapes(model, data_prop=True)
    except Exception:  # noqa: BLE001 - it raises what it likes; runs tell where it does not
        return []
    known = {value.name: value.type for value in inferred.graph.output}
    found = []
    for value in bare:
        kind = known.get(value.name)
        if kind is not None and kind.tensor_type.HasField("shape"):
            value.type.CopyFrom(kind)
            found.append(value.name)
    return [f"the shape of {', '.join(found)} is declared, as it follows from the graph"] * bool(
        found
    )


def _is_bare(value: _Proto) -> bool:
    kind = value.type
    return not kind.WhichOneof("value") or (
        kind.HasField("tensor_type") and not kind.tensor_type.HasField("shape")
    )
