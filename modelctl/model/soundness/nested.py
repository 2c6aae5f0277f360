"""What ONNX's own checker asks of graphs within nodes; it never sees the model's own graph."""

from collections.abc import Sequence

from modelctl.model.soundness import tensors
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.view import LAST_DECLARED_INITIALIZERS, Body, Node


def check(main: Body, ir_version: int) -> None:
    """Raises `UnsoundError`: an inner graph has no order, or a name that is taken."""
    visible = {value.name for value in main.inputs}
    visible |= {name for name, _ in (*main.tensors, *main.sparse)}
    for node in main.nodes:
        _check_graphs(node, visible, ir_version)
        visible.update(node.outputs)


def _check_graphs(node: Node, visible: set[str], ir_version: int) -> None:
    for body in node.graphs.values():
        _check(body, node, visible, ir_version)


def _check(body: Body, holder: Node, visible: set[str], ir_version: int) -> None:
    where = f"in a graph of {holder}"
    if not body.name:
        raise UnsoundError(f"has a graph without a name in {holder}")
    own: set[str] = set()
    _add([value.name for value in body.inputs], own, "input", where)
    _check_tensors(body, own, where, ir_version)
    own |= {name for name, _ in (*body.tensors, *body.sparse)}
    fresh = own - visible
    visible |= fresh
    for node in body.nodes:
        _check_order(node, visible, where)
        _check_graphs(node, visible, ir_version)
        for name in filter(None, node.outputs):
            if name in visible:
                raise UnsoundError(f"has the name {name!r} {where}, which is another value's too")
            visible.add(name)
            fresh.add(name)
    if any(not value.name for value in body.outputs):
        raise UnsoundError(f"has an output without a name {where}")
    visible -= fresh


def _add(names: Sequence[str], own: set[str], what: str, where: str) -> None:
    for name in names:
        if not name:
            raise UnsoundError(f"has an {what} without a name {where}")
        if name in own:
            raise UnsoundError(f"has two {what}s with the name {name!r} {where}")
        own.add(name)


def _check_tensors(body: Body, inputs: set[str], where: str, ir_version: int) -> None:
    _add([name for name, _ in (*body.tensors, *body.sparse)], set(), "initializer", where)
    for name, tensor in body.tensors:
        tensors.refuse_unclear_data(tensor, name)
        if ir_version <= LAST_DECLARED_INITIALIZERS and name not in inputs:
            raise UnsoundError(f"has the initializer {name!r} {where}, which is no input of it")


def _check_order(node: Node, visible: set[str], where: str) -> None:
    for name in filter(None, node.inputs):
        if name not in visible:
            raise UnsoundError(
                f"has {node} ({node.op}) {where} before {name!r}, which it takes, is given"
            )
