"""Whole numbers that follow from shapes and constants, as ONNX Runtime computes them beforehand.

What a graph computes of the sizes of its tensors, such as the new shape for a Reshape, is known
where the sizes are, and inference goes on with it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelctl.model.soundness.asking import LARGEST_DATA
from modelctl.model.soundness.view import Node, Proto

Array = Any  # of numpy, which onnx brings
_Fold = Callable[[Node, Sequence[Array]], Array | None]

_INT64 = 7


def folded(node: Node, kinds: Sequence[Proto | None], data: Sequence[Proto | None]) -> Proto | None:
    """The tensor that a node gives, None where it is not known beforehand.

    `kinds` and `data` are the types of its inputs and those of them that are constants.
    """
    if node.domain != "ai.onnx" or len(node.outputs) != 1:
        return None
    value = _value(node, kinds, data)
    if value is None or value.size > LARGEST_DATA:
        return None
    from onnx import numpy_helper  # noqa: PLC0415 - a quarter second

    return numpy_helper.from_array(value, node.outputs[0])


def _value(node: Node, kinds: Sequence[Proto | None], data: Sequence[Proto | None]) -> Array | None:
    if node.op == "Shape":
        return _shape(node, kinds[0])
    fold = _FOLDS.get(node.op)
    if fold is None:
        return None
    arrays = []
    for name, tensor in zip(node.inputs, data, strict=True):
        if not name or tensor is None or tensor.data_type != _INT64:
            return None
        arrays.append(_array(tensor))
    try:
        return fold(node, arrays)
    except (IndexError, ValueError, TypeError):
        return None  # a fault that inference itself has to find


def _array(tensor: Proto) -> Array:
    from onnx import numpy_helper  # noqa: PLC0415 - a quarter second

    return numpy_helper.to_array(tensor)


def _shape(node: Node, kind: Proto | None) -> Array | None:
    import numpy as np  # noqa: PLC0415 - comes with onnx

    if kind is None or not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    sizes = list(kind.tensor_type.shape.dim)
    start, end = (_integer(node, name, None) for name in ("start", "end"))
    wanted = sizes[start:end]
    if not all(size.HasField("dim_value") for size in wanted):
        return None
    return np.array([size.dim_value for size in wanted], np.int64)


def _integer(node: Node, name: str, default: int | None) -> int | None:
    return int(node.attributes[name].i) if name in node.attributes else default


def _identity(_: Node, arrays: Sequence[Array]) -> Array:
    return arrays[0]


def _gather(node: Node, arrays: Sequence[Array]) -> Array | None:
    values, places = arrays
    if values.ndim != 1 or _integer(node, "axis", 0) not in (0, -1):
        return None
    return values.take(places, axis=0)


def _concat(_: Node, arrays: Sequence[Array]) -> Array | None:
    import numpy as np  # noqa: PLC0415 - comes with onnx

    return np.concatenate(arrays) if all(each.ndim == 1 for each in arrays) else None


def _slice(_: Node, arrays: Sequence[Array]) -> Array | None:
    values, starts, ends, *rest = arrays
    if values.ndim != 1 or any(each.size != 1 for each in (starts, ends, *rest)):
        return None
    step = int(rest[1].item()) if len(rest) > 1 else 1
    if step < 1:
        return None
    return values[int(starts.item()) : int(ends.item()) : step]


def _squeeze(_: Node, arrays: Sequence[Array]) -> Array | None:
    return arrays[0].reshape(()) if arrays[0].shape == (1,) else None


def _unsqueeze(_: Node, arrays: Sequence[Array]) -> Array | None:
    return arrays[0].reshape(1) if arrays[0].ndim == 0 else None


def _arithmetic(operator: str) -> _Fold:
    def fold(_: Node, arrays: Sequence[Array]) -> Array | None:
        one, two = arrays
        if operator == "Div" and ((two <= 0).any() or (one < 0).any()):
            return None
        if max(one.ndim, two.ndim) > 1:
            return None
        return _CALCULATIONS[operator](one, two)

    return fold


_CALCULATIONS: Mapping[str, Callable[[Array, Array], Array]] = {
    "Add": lambda one, two: one + two,
    "Sub": lambda one, two: one - two,
    "Mul": lambda one, two: one * two,
    "Div": lambda one, two: one // two,
}
_FOLDS: Mapping[str, _Fold] = {
    "Identity": _identity,
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    **{name: _arithmetic(name) for name in _CALCULATIONS},
}
