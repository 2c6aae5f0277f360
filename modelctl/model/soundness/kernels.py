"""Whether ONNX Runtime's CPU provider can run a node with the types that it has there."""

from collections.abc import Iterator

from modelctl.model.onnxruntime_support import ONNXRUNTIME
from modelctl.model.soundness import table, types
from modelctl.model.soundness.table import Kernel, Operator, Parameter
from modelctl.model.soundness.view import Node, Proto

_Kinds = list[Proto | None]
_CASTS_BY_NUMBER = 6
"""The first version of ai.onnx whose Cast is the one that ONNX Runtime adds."""
_HALF, _FLOAT = "tensor(float16)", "tensor(float)"


def has(node: Node, operator: Operator, inputs: _Kinds, outputs: _Kinds) -> bool:
    """Whether there is a kernel for the types as they are."""
    return _any_fits(node, operator, list(map(types.name, inputs)), list(map(types.name, outputs)))


def has_wider(node: Node, operator: Operator, inputs: _Kinds, outputs: _Kinds, opset: int) -> bool:
    """Whether there is one for FP32 in place of FP16, for which ONNX Runtime adds casts."""
    if _HALF not in map(types.name, inputs) or opset < _CASTS_BY_NUMBER:
        return False
    names = [
        [_FLOAT if name == _HALF else name for name in map(types.name, kinds)]
        for kinds in (inputs, outputs)
    ]
    return _any_fits(node, operator, *names)


def _any_fits(node: Node, operator: Operator, inputs: list[str], outputs: list[str]) -> bool:
    return any(
        kernel.is_of(operator.since) and _fits(kernel, node, operator, inputs, outputs)
        for kernel in table.kernels(node.domain, node.op)
    )


def sentence(node: Node, inputs: _Kinds) -> str:
    """What is wrong with a node that has none."""
    kinds = ", ".join(sorted({types.name(kind) for kind in inputs} - {""})) or "no inputs"
    return (
        f"calls {node.operator} in {node} with {kinds}, for which ONNX Runtime {ONNXRUNTIME} has "
        "no CPU kernel"
    )


def _fits(
    kernel: Kernel, node: Node, operator: Operator, inputs: list[str], outputs: list[str]
) -> bool:
    for name, allowed in kernel.types.items():
        found = next(_arguments(name, node, operator, inputs, outputs), "")
        if found and found not in allowed:
            return False
    return True


def _arguments(
    name: str, node: Node, operator: Operator, inputs: list[str], outputs: list[str]
) -> Iterator[str]:
    """Types of the arguments that a name stands for, of a set of types or of one parameter."""
    for formals, names, found in (
        (operator.inputs, node.inputs, inputs),
        (operator.outputs, node.outputs, outputs),
    ):
        for place, formal in enumerate(formals[: len(found)]):
            if names[place] and _means(formal, name):
                yield found[place]


def _means(formal: Parameter, name: str) -> bool:
    return name in (formal.types, formal.name)
