"""Whether the names of a graph fit together: each value once, each input given, no circle."""

from collections.abc import Iterator, Sequence
from typing import Any

from modelctl.model.soundness import nested
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.view import CONSTANT, Body, Node

_Proto = Any  # protobuf messages carry no types here
_Names = frozenset[str]

_REMOVED = ("Dropout", "Identity")
"""Operators that the runtime's optimizations may take out before they are run."""


def check(body: Body, ir_version: int) -> None:
    """Put the nodes in the order in which ONNX Runtime looks at them.

    Raises `UnsoundError`: a name is given twice or never, or values depend on one another.
    """
    _check_names(body)
    _check_sources(body, ())
    constants = [node for node in body.nodes if node.op == CONSTANT]
    others = [n for n in body.nodes if n.op != CONSTANT and (n.inputs or n.outputs)]
    body.nodes = constants + [others[index] for index in _order(others)]
    nested.check(body, ir_version)


def every_body(body: Body) -> Iterator[Body]:
    """The graph and every one within."""
    pending = [body]
    while pending:
        current = pending.pop()
        yield current
        pending += (inner for node in current.nodes for inner in node.graphs.values())


def _check_names(main: Body) -> None:
    for body in every_body(main):
        tensors = {name for name, _ in (*body.tensors, *body.sparse)}
        tensors |= {node.outputs[0] for node in body.nodes if node.op == CONSTANT and node.outputs}
        _refuse_twice([v.name for v in body.inputs if v.name not in tensors], "input", body)
        others = [node for node in body.nodes if node.op != CONSTANT]
        _refuse_twice([node.name for node in others if node.name], "node", body)
        given = [name for node in others for name in node.outputs if name]
        before = [*tensors, *{value.name for value in body.inputs} - tensors]
        _refuse_twice([*before, *given], "value", body)
        known = {*before, *given}
        for value in body.outputs:
            if value.name not in known:
                raise UnsoundError(
                    f"has the output {value.name!r}{_within(body, main)}, which no node of the "
                    "graph gives"
                )


def _within(body: Body, main: Body) -> str:
    return "" if body is main else f" of the inner graph {body.name!r}"


def _refuse_twice(names: Sequence[str], what: str, body: Body) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UnsoundError(f"has two {what}s with the name {name!r} in the graph {body.name!r}")
        seen.add(name)


def _own(body: Body) -> _Names:
    names = {value.name for value in body.inputs}
    names |= {name for name, _ in (*body.tensors, *body.sparse)}
    names.update(name for node in body.nodes for name in node.outputs)
    return frozenset(names - {""})


def _check_sources(body: Body, outer: tuple[_Names, ...]) -> None:
    scopes = (_own(body), *outer)
    for node in body.nodes:
        for name in node.inputs:
            if name and node.op != CONSTANT and not any(name in scope for scope in scopes):
                raise UnsoundError(
                    f"has {node} ({node.op}) with the input {name!r}, which nothing gives"
                )
        for inner in node.graphs.values():
            _check_sources(inner, scopes)


def needs(node: Node) -> Iterator[str]:
    """What a node takes: its inputs, and what its graphs take from outside."""
    if node.op != CONSTANT:
        yield from filter(None, node.inputs)
    for inner in node.graphs.values():
        yield from taken(inner)


def taken(body: Body) -> set[str]:
    """The names that a graph takes from outside."""
    return {name for node in body.nodes for name in needs(node)} - _own(body)


def without_kernels(body: Body) -> set[int]:
    """Identities of nodes that need no kernel, as the runtime takes them out before.

    They are those that only pass a value on, and those of whose values only the shape is asked.
    """
    takers: dict[str, list[Node]] = {}
    for node in body.nodes:
        for name in needs(node):
            takers.setdefault(name, []).append(node)
    kept = {value.name for value in body.outputs}
    measured: set[int] = set()
    for node in reversed(body.nodes):
        if node.op == "Shape" or any(
            name in takers and name not in kept and all(id(n) in measured for n in takers[name])
            for name in node.outputs
        ):
            measured.add(id(node))
    return measured | {id(node) for node in body.nodes if node.op in _REMOVED}


def _order(nodes: list[Node]) -> list[int]:
    """Places in the order that ONNX Runtime looks at nodes: roots, then up from each last node.

    Which of several orders matters: a name of an inner graph must not be one given before.
    """
    producers = {name: place for place, node in enumerate(nodes) for name in node.outputs if name}
    parents = [
        sorted({producers[name] for name in needs(node) if name in producers}) for node in nodes
    ]
    used = {parent for above in parents for parent in above}
    order = [place for place, above in enumerate(parents) if not above]
    done, seen, open_ = set(order), set(order), set[int]()
    stack = [place for place in range(len(nodes)) if place not in used]
    while stack:
        place = stack.pop()
        if place in done:
            continue
        if place in seen:
            order.append(place)
            done.add(place)
            open_.discard(place)
            continue
        seen.add(place)
        open_.add(place)
        stack.append(place)
        for parent in parents[place]:
            if parent in open_:
                raise _circle(nodes[place])
            if parent not in seen:
                stack.append(parent)
    if len(order) < len(nodes):
        raise _circle(next(node for place, node in enumerate(nodes) if place not in done))
    return order


def _circle(node: Node) -> UnsoundError:
    return UnsoundError(f"has {node} ({node.op}) in a circle: its input depends on its output")
