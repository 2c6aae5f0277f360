"""What a graph needs so that no value of its inputs ends the process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelserver.model.graph.parts import ModelFile, Node, NodeGraph, Tensor
from modelserver.model.guard import element_types
from modelserver.model.guard.table import (
    DIVIDES,
    KEEPS_ELEMENTS,
    NEEDS_ELEMENTS,
    NEEDS_NONZERO,
)
from modelserver.model.guard.tried import TRIED

_MINUS_ONE = -1


@dataclass(frozen=True, slots=True)
class Guards:
    """What is put before one node: tensors that need elements, numbers that must not be 0.

    `element_type` is that of whole numbers which the node divides, None where it divides none.
    """

    op_type: str
    elements: frozenset[str] = frozenset()
    nonzero: frozenset[str] = frozenset()
    element_type: int | None = None


@dataclass(slots=True)
class Plan:
    """`needed` are the inputs of the graph that must have elements, for the operators in `why`.

    Before nodes that have `guards`, by their first output, the values are looked at in the run.
    `untried` are operators that nobody has tried. `ends` says whether every run is known to end: a
    Loop turns as often as it is told to.
    """

    needed: set[str] = field(default_factory=set)
    why: set[str] = field(default_factory=set)
    guards: dict[str, Guards] = field(default_factory=dict)
    untried: set[str] = field(default_factory=set)
    ends: bool = True


def plan(file: ModelFile, given: frozenset[str]) -> Plan:
    """The plan for a file whose inputs are `given`, tensors with a default in it among them."""
    found = Plan()
    functions = {(domain, name) for domain, name, _ in file.functions}
    _Walk(found, functions, given).graph(
        file.graph, {}, {name: frozenset({name}) for name in given}
    )
    for function in file.functions.values():
        _Walk(found, functions, frozenset()).nodes(function.nodes, {}, {}, {})
    return found


_Sources = dict[str, frozenset[str] | None]
"""Of a value: the inputs of the graph that all have to have elements so that it has some.

None where that is not enough.
"""

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Walk:
    found: Plan
    functions: set[tuple[str, str]]
    given: frozenset[str]

    def graph(self, graph: NodeGraph, outer: Mapping[str, int], sources: _Sources) -> None:
        """Follow a graph; `outer` are the element types of values around it."""
        constants = {
            name: each for name, each in graph.initializers.items() if name not in self.given
        }
        has: _Sources = {name: _NONE for name, each in constants.items() if 0 not in each.dims}
        types = {**outer, **element_types.declared(graph)}
        self.nodes(graph.nodes, constants, types, {**sources, **has})

    def nodes(
        self,
        nodes: Sequence[Node],
        constants: Mapping[str, Tensor],
        types: dict[str, int],
        sources: _Sources,
    ) -> None:
        """Follow nodes in their order."""
        constants = dict(constants)
        for node in nodes:
            element_types.follow(node, types)
            for inner in node.graphs:
                known: _Sources = {name: _NONE for name, each in sources.items() if each == _NONE}
                _Walk(self.found, self.functions, _NONE).graph(inner, types, known)
            self._look(node, constants, types, sources)
            used = [sources.get(name) for name in node.inputs if name]
            value = node.attributes.get("value") if node.op_type == "Constant" else None
            if isinstance(value, Tensor):
                constants[node.outputs[0]] = value
                sources[node.outputs[0]] = None if 0 in value.dims else _NONE
            elif not node.domain and node.op_type in KEEPS_ELEMENTS and None not in used:
                united = _NONE.union(*(each for each in used if each is not None))
                sources.update(dict.fromkeys(node.outputs, united))

    def _look(
        self,
        node: Node,
        constants: Mapping[str, Tensor],
        types: Mapping[str, int],
        sources: _Sources,
    ) -> None:
        key = (node.domain, node.op_type)
        if key in self.functions:
            return
        if node.inputs and key not in TRIED and key not in NEEDS_ELEMENTS:
            self.found.untried.add(".".join(filter(None, key)))
        if key == ("", "Loop") and sources.get(node.inputs[0]) != _NONE:
            self.found.ends = False
        unsure = set()
        for name in _at(node, NEEDS_ELEMENTS.get(key)):
            needs = sources.get(name)
            if needs is None:
                unsure.add(name)
            elif needs:
                self.found.needed |= needs
                self.found.why.add(node.op_type)
        zero = {name for name in _at(node, NEEDS_NONZERO.get(key)) if name not in constants}
        divided = element_types.whole(node, types) if key in DIVIDES else None
        if divided is not None and _is_harmless(constants.get(node.inputs[1])):
            divided = None
        if unsure or zero or divided is not None:
            self.found.guards[node.outputs[0]] = Guards(
                node.op_type, frozenset(unsure), frozenset(zero), divided
            )


def _at(node: Node, places: tuple[int, ...] | None) -> list[str]:
    if places is None:
        return []
    chosen = (
        node.inputs
        if places == ()
        else [node.inputs[place] for place in places if place < len(node.inputs)]
    )
    return [name for name in chosen if name]


def _is_harmless(divisor: Tensor | None) -> bool:
    """Whether a divisor of the file is never -1."""
    return divisor is not None and divisor.values is not None and _MINUS_ONE not in divisor.values
