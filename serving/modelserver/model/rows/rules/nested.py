"""Operators with inner graphs, which may also use every value of the graphs around them."""

from collections.abc import Sequence

from modelserver.model.graph.parts import NodeGraph
from modelserver.model.rows.step import Step, nth
from modelserver.model.rows.values import ROWS, Known, Unproven, UnprovenError, Value

_SCAN_WITHOUT_BATCH = 9  # before this opset Scan had an axis of its own for a batch


def if_(step: Step) -> list[Known]:
    """One branch in every run, as the condition is the same in every run."""
    step.same_everywhere(0)
    branches = [_graph(step, name) for name in ("then_branch", "else_branch")]
    elements = step.value().elements
    if elements is not None and len(elements) == 1:
        (taken,) = step.numbers(0)
        return step.inner(branches[not taken], ())
    first, second = (step.inner(branch, ()) for branch in branches)
    return [_either(step, *pair) for pair in zip(first, second, strict=True)]


def _either(step: Step, first: Known, second: Known) -> Known:
    """What is known of a value that is one of two, the same one in every run."""
    if isinstance(first, Unproven) or isinstance(second, Unproven):
        return first if isinstance(first, Unproven) else second
    if first == second:
        return first
    if first.axis != second.axis or first.counts_rows or second.counts_rows:
        return Unproven("its branches have not the same rows at the same axis")
    if first.shape is None or second.shape is None or len(first.shape) != len(second.shape):
        if first.axis is None:
            return Value(None)
        return Unproven("its branches differ in the number of dimensions")
    pairs = zip(first.shape, second.shape, strict=True)
    shape = tuple(one if one == other else step.names.new() for one, other in pairs)
    return Value(shape, first.axis)


def loop(step: Step) -> list[Known]:
    """As often in every run; what goes round keeps its axis of rows."""
    step.same_everywhere(0, 1)
    states = [_any_turn(step, step.value(place)) for place in range(2, len(step.inputs))]
    turn = Value(())
    _, *after = _body(step, _graph(step, "body"), [turn, turn, *states])
    kept, stacked = after[: len(states)], after[len(states) :]
    _require_same(states, kept)
    return [*(_any_turn(step, each) for each in states), *(_stacked(step, e, 0) for e in stacked)]


def scan(step: Step) -> list[Known]:
    """Along axes that are not the rows'; what goes round keeps its axis of rows."""
    if step.opset < _SCAN_WITHOUT_BATCH:
        raise UnprovenError("it is of an opset before 9")
    number = step.integer("num_scan_inputs", 0)
    border = len(step.inputs) - number
    states = [_any_turn(step, step.value(place)) for place in range(border)]
    axes = step.integers("scan_input_axes") or [0] * number
    taken = [_without(step, border + place, axis) for place, axis in enumerate(axes)]
    after = _body(step, _graph(step, "body"), [*states, *taken], condition=False)
    kept, stacked = after[:border], after[border:]
    _require_same(states, kept)
    places = step.integers("scan_output_axes") or [0] * len(stacked)
    return [
        *(_any_turn(step, each) for each in states),
        *(_stacked(step, each, place) for each, place in zip(stacked, places, strict=True)),
    ]


def _graph(step: Step, name: str) -> NodeGraph:
    graph = step.node.attributes.get(name)
    if not isinstance(graph, NodeGraph):
        raise UnprovenError(f"attribute {name} is no graph")
    return graph


def _body(
    step: Step, graph: NodeGraph, inputs: Sequence[Known], *, condition: bool = True
) -> list[Value]:
    """What comes out of one turn."""
    found: list[Value] = []
    for known in step.inner(graph, inputs):
        if isinstance(known, Unproven):
            raise UnprovenError(known.reason)
        if known.counts_rows:
            raise UnprovenError("what goes round counts rows")
        found.append(known)
    if condition and found[0].axis is not None:
        raise UnprovenError("how often it turns differs from row to row")
    return found


def _any_turn(step: Step, value: Value) -> Value:
    """What is known of a state in whatever turn: the sizes beside the rows may change."""
    if value.shape is None:
        return Value(None)
    sizes = [step.names.new() for _ in value.shape]
    if value.axis is not None:
        sizes[value.axis] = value.shape[value.axis]
    return Value(tuple(sizes), value.axis)


def _require_same(before: Sequence[Value], after: Sequence[Value]) -> None:
    """Return if a state after a turn is of the kind that it was before."""
    for old, new in zip(before, after, strict=True):
        ranks = {None if each.shape is None else len(each.shape) for each in (old, new)}
        if (
            old.axis != new.axis
            or old.rows != new.rows
            or (len(ranks) > 1 and old.shape is not None)
        ):
            raise UnprovenError("what goes round changes the axis of its rows")


def _without(step: Step, position: int, axis: int) -> Value:
    """One turn's part of what is taken along an axis."""
    value, shape = step.value(position), step.shape(position)
    place = nth(axis, len(shape))
    if value.axis == place:
        raise UnprovenError("it takes one row after another")
    rows = value.axis
    return Value(
        (*shape[:place], *shape[place + 1 :]), rows if rows is None else rows - (rows > place)
    )


def _stacked(step: Step, value: Value, axis: int) -> Value:
    """All turns' values beside each other along a new axis."""
    if value.shape is None:
        return Value(None)
    place = nth(axis, len(value.shape) + 1)
    sizes = [step.names.new() for _ in value.shape]
    if value.axis is None or value.rows is None:
        return Value((*sizes, step.names.new()))
    if value.rows.names != (ROWS,):
        raise UnprovenError("how many places belong to a row may change from turn to turn")
    sizes[value.axis] = value.rows
    sizes.insert(place, step.names.new())
    return Value(tuple(sizes), value.axis + (value.axis >= place))
