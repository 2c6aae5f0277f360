"""The types of what If, Loop, Scan and SequenceMap give, from the graphs that they hold.

Source: ONNX's inference of these operators, which knows no operator of another domain.
"""

from collections.abc import Callable

from modelctl.model.soundness import types
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.view import Node, Proto

_Kinds = list[Proto | None]
_Run = Callable[[str, _Kinds | None], _Kinds]

_BATCHED_SCAN = 8
"""The one version of Scan whose inputs have a batch dimension and lengths before them."""


def outputs(node: Node, kinds: _Kinds, run: _Run) -> _Kinds | None:
    """The types of a node's outputs, None where they are not known.

    `run` follows the graph of that attribute, with types of its inputs, and gives its outputs'.

    Raises `UnsoundError`: a graph does not take or give what the node needs.
    """
    if node.domain == "ai.onnx" and node.op in _FLOWS:
        return _FLOWS[node.op](node, kinds, run)
    for name in node.graphs:
        run(name, None)
    return None


def _if(node: Node, _: _Kinds, run: _Run) -> _Kinds:
    then, other = run("then_branch", []), run("else_branch", [])
    for found in (then, other):
        _refuse_number(node, len(found), len(node.outputs))
    return [_either(node, one, two) for one, two in zip(then, other, strict=True)]


def _either(node: Node, one: Proto | None, two: Proto | None) -> Proto | None:
    if one is None or two is None:
        return None
    _refuse_difference(node, one, two)
    return types.united(one, two)


def _loop(node: Node, kinds: _Kinds, run: _Run) -> _Kinds:
    states = kinds[2:]
    if not all(node.inputs[2:]):
        raise UnsoundError(f"calls {node.operator} in {node} with a state that is left out")
    count = types.of_name("tensor(int64)")
    found = run("body", [count, kinds[1], *_bare(states)])[1:]
    _refuse_number(node, len(found), len(node.outputs))
    _refuse_changes(node, states, found)
    collected = [_collected(kind, 0) for kind in found[len(states) :]]
    return _bare(found[: len(states)]) + collected


def _scan(node: Node, kinds: _Kinds, run: _Run) -> _Kinds:
    batched = node.opset <= _BATCHED_SCAN
    inputs, kinds = (node.inputs[1:], kinds[1:]) if batched else (node.inputs, kinds)
    states = len(kinds) - node.attributes["num_scan_inputs"].i
    if not 0 <= states <= len(node.outputs):
        raise UnsoundError(
            f"calls {node.operator} in {node} with {len(kinds)} inputs and {len(node.outputs)} "
            f"outputs, which num_scan_inputs does not fit"
        )
    for name, kind in zip(inputs, kinds, strict=True):
        if not name or (kind is not None and not kind.HasField("tensor_type")):
            raise UnsoundError(f"calls {node.operator} in {node} with {name!r}, which is no tensor")
    if batched:
        found = run("body", _bare(kinds))
        _refuse_number(node, len(found), len(node.outputs))
        _refuse_changes(node, kinds[:states], found)
        return _bare(found)
    return _scanned(node, kinds, states, run)


def _scanned(node: Node, kinds: _Kinds, states: int, run: _Run) -> _Kinds:
    axes = _axes(node, "scan_input_axes", len(kinds) - states)
    steps = map(_one_step, [node] * len(axes), kinds[states:], axes)
    found = run("body", [*kinds[:states], *steps])
    _refuse_number(node, len(found), len(node.outputs))
    _refuse_changes(node, kinds[:states], found)
    for before, after in zip(kinds[:states], found, strict=False):
        if before and after and not types.agree(after, before):
            raise UnsoundError(
                f"calls {node.operator} in {node} with a state whose shape the graph changes"
            )
    axes = _axes(node, "scan_output_axes", len(found) - states)
    return [*found[:states], *map(_collected, found[states:], axes)]


def _bare(kinds: _Kinds) -> _Kinds:
    return [types.without_shape(kind) if kind else None for kind in kinds]


def _map(node: Node, kinds: _Kinds, run: _Run) -> _Kinds:
    given = [
        kind.sequence_type.elem_type if kind and kind.HasField("sequence_type") else kind
        for kind in kinds
    ]
    found = run("body", given)
    _refuse_number(node, len(found), len(node.outputs))
    return [types.sequence_of(kind) if kind else None for kind in found]


def _axes(node: Node, name: str, count: int) -> list[int]:
    if name not in node.attributes:
        return [0] * count
    axes = list(node.attributes[name].ints)
    if len(axes) != count:
        raise UnsoundError(
            f"calls {node.operator} in {node} with {len(axes)} {name}, expected {count}"
        )
    return axes


def _one_step(node: Node, kind: Proto | None, axis: int) -> Proto | None:
    """The type of what a graph gets of a sequence: one dimension less."""
    if kind is None or not kind.tensor_type.HasField("shape"):
        return kind
    rank = len(kind.tensor_type.shape.dim)
    if not -rank <= axis < rank:
        raise UnsoundError(
            f"calls {node.operator} in {node} with the axis {axis} of a tensor of {rank} dimensions"
        )
    step = types.copied(kind)
    del step.tensor_type.shape.dim[axis]
    return step


def _collected(kind: Proto | None, axis: int) -> Proto | None:
    """The type of what is collected of all steps: one dimension more."""
    if kind is None or not kind.tensor_type.HasField("shape"):
        return kind
    every = types.copied(kind)
    sizes = list(kind.tensor_type.shape.dim)
    place = axis if axis >= 0 else axis + len(sizes) + 1
    del every.tensor_type.shape.dim[:]
    every.tensor_type.shape.dim.extend(sizes[:place])
    every.tensor_type.shape.dim.add()
    every.tensor_type.shape.dim.extend(sizes[place:])
    return every


def _refuse_changes(node: Node, before: _Kinds, after: _Kinds) -> None:
    """What goes round keeps its type."""
    for one, two in zip(before, after, strict=False):
        if one is not None and two is not None:
            _refuse_difference(node, one, two)


def _refuse_number(node: Node, found: int, expected: int) -> None:
    if found != expected:
        raise UnsoundError(
            f"calls {node.operator} in {node} with a graph for {found} outputs, expected {expected}"
        )


def _refuse_difference(node: Node, one: Proto, two: Proto) -> None:
    ours, theirs = types.name(one), types.name(two)
    if ours and theirs and ours != theirs and "optional" not in ours + theirs:
        raise UnsoundError(
            f"calls {node.operator} in {node} with graphs or values of {ours} and {theirs} for one "
            "output"
        )


_FLOWS = {"If": _if, "Loop": _loop, "Scan": _scan, "SequenceMap": _map}
