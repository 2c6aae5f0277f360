"""The proof that rows of a batch are independent: the axis of rows, followed through the graph.

Every input of a request carries its rows on axis 0. From there each node says what its outputs are
(`table`): the same in every run, or rows on some axis, of which each depends on the same row of the
inputs alone. Shapes are followed too, where sizes are numbers, names, or multiples of the number of
rows: a graph may ask how many rows there are in order to give as many, and for nothing else. A
value of which nothing is known spoils what is computed from it. Rows are independent where all
outputs have them on axis 0, one for one.

Nothing that the file declares of values between is believed; weights are not read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelserver.model.contract import Contract
from modelserver.model.graph.parts import (
    Attribute,
    Function,
    FunctionKey,
    ModelFile,
    Node,
    NodeGraph,
    Reference,
    Tensor,
)
from modelserver.model.rows.rules.counting import folded, known_elements
from modelserver.model.rows.step import Names, Step
from modelserver.model.rows.table import TABLE, Rule
from modelserver.model.rows.values import (
    ROWS,
    Element,
    Known,
    Size,
    Unproven,
    UnprovenError,
    Value,
    sizes,
)
from modelserver.tensor.spec import ANY_SIZE

_MAX_DEPTH = 40  # graphs and functions in each other
_MAX_STEPS = 200_000  # functions that call functions grow without bound; these take some seconds

# What a rule raises of a node that is not as the standard has it: a list too short, say.
_DOES_NOT_FIT = (ArithmeticError, LookupError, TypeError, ValueError)

Scope = dict[str, Known | None]
"""What is known of a value by its name; None is an input of a function that the caller left out."""


def why_dependent(file: ModelFile, contract: Contract) -> str | None:
    """Why it is not proven that rows are independent; None if it is.

    Every tensor of the contract must have its rows on axis 0.
    """
    names = Names()
    given: dict[str, Value] = {}
    for spec in contract.inputs:
        inner = [names.new() if size == ANY_SIZE else Size(size) for size in spec.shape[1:]]
        given[spec.name] = Value((Size(1, (ROWS,)), *inner), 0)
    try:
        found = follow(file, given, names)
    except UnprovenError as error:
        return str(error)
    reasons = (_not_row_by_row(name, found.get(name)) for name in contract.output_names)
    return next(filter(None, reasons), None)


def follow(file: ModelFile, given: Mapping[str, Value], names: Names) -> Mapping[str, Known]:
    """What is known of each output of the graph, from what is known of its inputs.

    Raises:
        UnprovenError: The graph is too large.
    """
    room = _Room(_Prover(file.functions, names), dict(given), file.opsets, {}, 0)
    room.follow(file.graph)
    found = {each.name: room.find(each.name) for each in file.graph.outputs}
    return {name: known for name, known in found.items() if known is not None}


def _not_row_by_row(name: str, known: Known | None) -> str | None:
    if known is None:
        return f"nothing gives {name}"
    if isinstance(known, Unproven):
        return known.reason
    if known.axis is None:
        return f"{name} has no rows"
    if known.axis or known.rows != Size(1, (ROWS,)):
        return f"{name} has its rows at axis {known.axis}, or several places for each"
    return None


class _Prover:
    """What all graphs of a file share."""

    def __init__(self, functions: Mapping[FunctionKey, Function], names: Names) -> None:
        self.names = names
        self.functions = functions
        self.steps_left = _MAX_STEPS

    def count(self) -> None:
        """Count a step."""
        self.steps_left -= 1
        if self.steps_left < 0:
            raise UnprovenError(f"the graph has more than {_MAX_STEPS} nodes")


@dataclass(slots=True)
class _Room:
    """One graph or function while it is followed.

    `attributes` are those that the caller of a function gave; names that are not in `scope` may be
    in that of the graph `around`.
    """

    prover: _Prover
    scope: Scope
    opsets: Mapping[str, int]
    attributes: Mapping[str, Attribute]
    depth: int
    around: "_Room | None" = field(default=None)

    def find(self, name: str) -> Known | None:
        """What is known of a value; None if it was left out."""
        room: _Room | None = self
        while room is not None:
            if name in room.scope:
                return room.scope[name]
            room = room.around
        return Unproven(f"nothing before gives {name}")

    def follow(self, graph: NodeGraph) -> None:
        """Find out about every value of a graph."""
        for name, tensor in graph.initializers.items():
            self.scope.setdefault(name, of_tensor(tensor))
        self.follow_nodes(graph.nodes)

    def follow_nodes(self, nodes: Sequence[Node]) -> None:
        """Find out about the outputs of nodes, in their order."""
        for node in nodes:
            self.prover.count()
            for name, known in zip(node.outputs, self._outputs(node), strict=False):
                self.scope[name] = known
            for name in node.outputs:
                self.scope.setdefault(
                    name, Unproven(f"{_called(node)}: nothing is known of {name}")
                )

    def _outputs(self, node: Node) -> Sequence[Known]:
        node = self._with_attributes(node)
        inputs: list[Value | None] = []
        for name in node.inputs:
            known = self.find(name) if name else None
            if isinstance(known, Unproven):
                return [known] * len(node.outputs)
            inputs.append(known)
        try:
            return self._found(node, inputs)
        except UnprovenError as error:
            return [Unproven(f"{_called(node)}: {error}")] * len(node.outputs)
        except _DOES_NOT_FIT as error:
            reason = f"{_called(node)}: its attributes or inputs are not those of its operator"
            return [Unproven(f"{reason} ({error!r})")] * len(node.outputs)

    def _found(self, node: Node, inputs: Sequence[Value | None]) -> Sequence[Known]:
        """What is known of the outputs, by the function that the node calls or by its rule."""
        function = self.prover.functions.get((node.domain, node.op_type, node.overload))
        rule = TABLE.get((node.domain, node.op_type))
        if function is not None and rule is None and node.domain:
            return self._call(function, node, inputs)
        if rule is None or function is not None:
            raise UnprovenError("nothing is known of this operator")
        opset = self.opsets.get(node.domain, 1)
        return _apply(rule, Step(node, tuple(inputs), opset, self.prover.names, self._inner))

    def _with_attributes(self, node: Node) -> Node:
        """The node with what the caller of its function gave in place of references."""
        if not any(isinstance(each, Reference) for each in node.attributes.values()):
            return node
        given: dict[str, Attribute] = {}
        for name, value in node.attributes.items():
            if not isinstance(value, Reference):
                given[name] = value
            elif value.name in self.attributes:
                given[name] = self.attributes[value.name]
        return replace(node, attributes=given)

    def _call(
        self, function: Function, node: Node, inputs: Sequence[Value | None]
    ) -> Sequence[Known]:
        """What a function gives for these inputs."""
        missing = [None] * (len(function.inputs) - len(inputs))
        scope: Scope = dict(zip(function.inputs, (*inputs, *missing), strict=True))
        defaults = {name: each for name, each in function.attributes.items() if each is not None}
        room = _Room(
            self.prover,
            scope,
            function.opsets,
            {**defaults, **node.attributes},
            self._deeper(),
        )
        room.follow_nodes(function.nodes)
        found = [room.find(name) for name in function.outputs]
        return [Unproven(f"{_called(node)}: it gives nothing") if e is None else e for e in found]

    def _inner(self, graph: NodeGraph, inputs: Sequence[Known]) -> list[Known]:
        """What an inner graph gives for these inputs."""
        if len(inputs) != len(graph.inputs):
            raise UnprovenError(f"its graph takes {len(graph.inputs)} inputs, not {len(inputs)}")
        names = (each.name for each in graph.inputs)
        scope: Scope = dict(zip(names, inputs, strict=True))
        room = _Room(self.prover, scope, self.opsets, self.attributes, self._deeper(), self)
        room.follow(graph)
        found = [room.find(each.name) for each in graph.outputs]
        return [Unproven("its graph gives nothing") if each is None else each for each in found]

    def _deeper(self) -> int:
        if self.depth >= _MAX_DEPTH:
            raise UnprovenError(f"graphs and functions are nested more than {_MAX_DEPTH} deep")
        return self.depth + 1


def of_tensor(tensor: Tensor) -> Value:
    """A tensor of the file is the same in every run."""
    return Value(sizes(tensor.dims), None, known_elements(tensor))


def _called(node: Node) -> str:
    """What a person finds a node by."""
    name = node.name or next(filter(None, node.outputs), "")
    return f"{node.op_type} {name!r}" if name else node.op_type


def _apply(rule: Rule, step: Step) -> Sequence[Known]:
    """What the rule of an operator says of its outputs, held to what it may say."""
    has_rows = any(each is not None and each.axis is not None for each in step.inputs)
    counting = [
        place for place, each in enumerate(step.inputs) if each is not None and each.counts_rows
    ]
    elements = _folded(step, counting)
    if elements is None and any(place not in rule.counts for place in counting):
        raise UnprovenError("it computes with the number of rows")
    try:
        found = list(rule.apply(step))
    except UnprovenError:
        if has_rows or not rule.pure or (counting and elements is None):
            raise
        found = [Value(None)] * len(step.node.outputs)
    for each in found:
        if isinstance(each, Value):
            _check(each, has_rows=has_rows and not rule.hides_rows)
    if elements is not None and isinstance(found[0], Value):
        found[0] = replace(found[0], elements=elements)
    return found


def _folded(step: Step, counting: Sequence[int]) -> tuple[Element, ...] | None:
    """The elements of the output, if they follow."""
    try:
        return folded(step)
    except UnprovenError:
        if counting:
            raise
        return None


def _check(value: Value, *, has_rows: bool) -> None:
    """Return if a value is what values are: rows on its one axis and on no other."""
    counts = [size.names.count(ROWS) for size in value.shape or ()]
    wanted = [int(axis == value.axis) for axis in range(len(counts))]
    if counts != wanted or (value.axis is not None and value.shape is None):
        raise UnprovenError("rows are not on one axis")
    if has_rows and value.axis is None:
        raise UnprovenError("rows meet in what it gives")
