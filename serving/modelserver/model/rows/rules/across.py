"""Operators that look along some axes, which must not be the one of the rows."""

from collections.abc import Callable, Collection

from modelserver.model.rows.step import Step, nth, together
from modelserver.model.rows.values import ONE, UnprovenError, Value

Values = list[Value]
_COERCED_BEFORE = 13  # until this opset Softmax and its like take all axes from one on as one


def reduce(step: Step) -> Values:
    """Axes become 1 or vanish; where none is named it is all, unless it then does nothing."""
    value, rank = step.value(), step.rank()
    axes = step.list_of("axes", 1)
    if not axes:
        if step.integer("noop_with_empty_axes", 0):
            return [Value(step.shape(), value.axis)]
        axes = list(range(rank))
    return [_reduced(step, {nth(axis, rank) for axis in axes})]


def arg_reduce(step: Step) -> Values:
    """The place of the largest along one axis."""
    return [_reduced(step, {nth(step.integer("axis", 0), step.rank())})]


def _reduced(step: Step, axes: Collection[int]) -> Value:
    value, shape = step.value(), step.shape()
    _apart(value, axes)
    if step.integer("keepdims", 1):
        return Value(tuple(ONE if i in axes else each for i, each in enumerate(shape)), value.axis)
    left = [axis for axis in range(len(shape)) if axis not in axes]
    axis = None if value.axis is None else left.index(value.axis)
    return Value(tuple(shape[each] for each in left), axis)


def softmax(step: Step) -> Values:
    """Along one axis; before opset 13 along all from one on."""
    rank = step.rank()
    coerced = step.opset < _COERCED_BEFORE
    axis = nth(step.integer("axis", 1 if coerced else -1), rank)
    _apart(step.value(), range(axis, rank) if coerced else {axis})
    return [Value(step.shape(), step.value().axis)]


def along(default: int) -> Callable[[Step], Values]:
    """The rule of an operator that keeps the shape and looks along its attribute `axis`."""

    def rule(step: Step) -> Values:
        _apart(step.value(), {nth(step.integer("axis", default), step.rank())})
        return [Value(step.shape(), step.value().axis)]

    return rule


def cumulated(step: Step) -> Values:
    """Along the axis that the second input says."""
    (axis,) = step.numbers(1)
    _apart(step.value(), {nth(axis, step.rank())})
    return [Value(step.shape(), step.value().axis)]


def top_k(step: Step) -> Values:
    """The largest along one axis and their places there."""
    value, axis = step.value(), nth(step.integer("axis", -1), step.rank())
    step.same_everywhere(1)
    _apart(value, {axis})
    shape = list(step.shape())
    shape[axis] = step.names.new()
    return [Value(tuple(shape), value.axis)] * 2


def layer_normalization(step: Step) -> Values:
    """Over all axes from one on; mean and deviation keep the axes before."""
    value, shape = step.value(), step.shape()
    axis = nth(step.integer("axis", -1), len(shape))
    _apart(value, range(axis, len(shape)))
    _stretch_to_first(step)
    means = Value((*shape[:axis], *(ONE for _ in shape[axis:])), value.axis)
    return [Value(shape, value.axis), means, means]


def per_channel(step: Step) -> Values:
    """Over the spatial axes of each image or group of channels, with a scale a channel."""
    step.same_everywhere(*range(1, len(step.inputs)))
    _apart(step.value(), range(1, step.rank()))
    return [Value(step.shape(), step.value().axis)]


def batch_normalization(step: Step) -> Values:
    """With statistics that are given, a number a channel; in training they are of all rows."""
    if is_training(step):
        raise UnprovenError("it takes its statistics from all rows, in training mode")
    step.same_everywhere(*range(1, len(step.inputs)))
    _apart(step.value(), {1})
    if not step.integer("spatial", 1):
        raise UnprovenError("its statistics belong to places in the image")
    return [Value(step.shape(), step.value().axis)]


def is_training(step: Step) -> bool:
    """Whether a BatchNormalization gives statistics: by its attribute, or by its outputs."""
    given = [name for name in step.node.outputs if name]
    return bool(step.integer("training_mode", 0)) or len(given) > 1


def mean_variance_normalization(step: Step) -> Values:
    """Over the axes that are named."""
    axes = step.integers("axes")
    rank = step.rank()
    _apart(step.value(), {nth(axis, rank) for axis in ([0, 2, 3] if axes is None else axes)})
    return [Value(step.shape(), step.value().axis)]


def last_two(step: Step) -> Values:
    """A matrix at a time, such as the upper triangle of each."""
    step.same_everywhere(1)
    rank = step.rank()
    _apart(step.value(), range(rank - 2, rank))
    return [Value(step.shape(), step.value().axis)]


def determinant(step: Step) -> Values:
    """A number for each matrix."""
    rank = step.rank()
    _apart(step.value(), range(rank - 2, rank))
    return [Value(step.shape()[:-2], step.value().axis)]


def reverse_sequence(step: Step) -> Values:
    """Each row has a length of its own, up to which it is reversed along another axis."""
    value, lengths = step.value(), step.value(1)
    batch, time = step.integer("batch_axis", 1), step.integer("time_axis", 0)
    if value.axis is not None and (value.axis != batch or batch == time):
        raise UnprovenError("it reverses rows")
    if lengths.axis != (None if value.axis is None else 0) or lengths.rows != value.rows:
        raise UnprovenError("its lengths do not belong to the rows")
    return [Value(step.shape(), value.axis)]


def _stretch_to_first(step: Step) -> None:
    whole = together(step, [each for each in step.inputs if each is not None])
    if len(whole.shape or ()) != step.rank() or whole.axis != step.value().axis:
        raise UnprovenError("an input is larger than the first")


def _apart(value: Value, axes: Collection[int]) -> None:
    """Return if the rows are on none of these axes."""
    if value.axis is not None and value.axis in axes:
        raise UnprovenError(f"it looks along axis {value.axis}, where the rows are")
