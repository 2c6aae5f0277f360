"""Operators whose elements depend on the elements at the same place, and on nothing else."""

from modelserver.model.rows.step import Step, together
from modelserver.model.rows.values import ONE, UnprovenError, Value

Values = list[Value]


def elementwise(step: Step) -> Values:
    """All inputs are broadcast to one shape, which each output has."""
    _no_old_broadcast(step)
    whole = together(step, [each for each in step.inputs if each is not None])
    return [whole] * len(step.node.outputs)


def like_first(step: Step) -> Values:
    """As the first input; the others are the same for every row, such as bounds."""
    step.same_everywhere(*range(1, len(step.inputs)))
    _no_old_broadcast(step)
    return [Value(step.shape(), step.value().axis)] * len(step.node.outputs)


def stretched_to_first(step: Step) -> Values:
    """The others are broadcast to the first input, which keeps its shape."""
    whole = together(step, [each for each in step.inputs if each is not None])
    if len(whole.shape or ()) != step.rank() or whole.axis != step.value().axis:
        raise UnprovenError("an input is larger than the first")
    return [Value(step.shape(), whole.axis)] * len(step.node.outputs)


def dropout(step: Step) -> Values:
    """Gives what it takes, unless it is in training."""
    if step.given(2) and step.numbers(2) != [0]:
        raise UnprovenError("it drops at random, in training mode")
    step.same_everywhere(1)
    return [Value(step.shape(), step.value().axis)] * len(step.node.outputs)


def quantized(step: Step) -> Values:
    """A scale and a zero point, for all or for each entry of an axis that is not the rows'."""
    step.same_everywhere(1, 2)
    value = step.value()
    if value.axis is not None and not all(
        each == ONE for position in (1, 2) if step.given(position) for each in step.shape(position)
    ):
        axis = step.integer("axis", 1)
        axis = axis + step.rank() if axis < 0 else axis
        if step.integer("block_size", 0) or step.rank(1) != 1 or axis == value.axis:
            raise UnprovenError("its scale belongs to places along the axis of rows")
    return [Value(step.shape(), value.axis)]


def _no_old_broadcast(step: Step) -> None:
    if {"axis", "broadcast"} & step.node.attributes.keys():
        raise UnprovenError("it broadcasts as before opset 7")
