"""Operators that pick elements by index."""

from modelserver.model.rows.step import Step, nth
from modelserver.model.rows.values import ONE, UnprovenError, Value, product

Values = list[Value]


def gather(step: Step) -> Values:
    """Indices with rows pick from what is the same for all; or all rows are picked from alike."""
    data, indices = step.value(0), step.value(1)
    shape, places = step.shape(0), step.shape(1)
    axis = nth(step.integer("axis", 0), len(shape))
    found = (*shape[:axis], *places, *shape[axis + 1 :])
    if data.axis is not None and indices.axis is not None:
        raise UnprovenError("indices of one row may name another")
    if indices.axis is not None:
        return [Value(found, axis + indices.axis)]
    if data.axis == axis:
        raise UnprovenError("it picks rows")
    if data.axis is None:
        return [Value(found)]
    return [Value(found, data.axis if data.axis < axis else data.axis + len(places) - 1)]


def gather_elements(step: Step) -> Values:
    """Data and indices have the same rows; an index picks along another axis."""
    _same_rows(step, 0, 1)
    axis = nth(step.integer("axis", 0), step.rank())
    if step.value().axis == axis:
        raise UnprovenError("indices of one row may name another")
    return [Value(step.shape(1), step.value(1).axis)]


def scatter_elements(step: Step) -> Values:
    """Data, indices and updates have the same rows; an index names a place along another axis."""
    _same_rows(step, 0, 1, 2)
    axis = nth(step.integer("axis", 0), step.rank())
    if step.value().axis == axis:
        raise UnprovenError("indices of one row may name another")
    return [Value(step.shape(), step.value().axis)]


def gather_nd(step: Step) -> Values:
    """Indices with rows pick from what is the same for all, or from their own row of the data."""
    data, indices = step.value(0), step.value(1)
    shape, places = step.shape(0), step.shape(1)
    batch, depth = step.integer("batch_dims", 0), places[-1].literal if places else None
    if depth is None:
        raise UnprovenError("how many axes it indexes is not known")
    found = (*places[:-1], *shape[batch + depth :])
    if indices.axis is None and data.axis is None:
        return [Value(found)]
    if indices.axis is None or indices.axis == len(places) - 1:
        raise UnprovenError("it picks rows")
    inside = indices.axis < batch
    if data.axis != (indices.axis if inside else None) or (inside and data.rows != indices.rows):
        raise UnprovenError("indices of one row may name another")
    return [Value(found, indices.axis)]


def one_hot(step: Step) -> Values:
    """An axis more, along which one element is on."""
    step.same_everywhere(1, 2)
    indices, shape = step.value(), step.shape()
    axis = nth(step.integer("axis", -1), len(shape) + 1)
    found = (*shape[:axis], step.names.new(), *shape[axis:])
    if indices.axis is None:
        return [Value(found)]
    return [Value(found, indices.axis + (indices.axis >= axis))]


def _same_rows(step: Step, *positions: int) -> None:
    values = [step.value(position) for position in positions]
    if len({(each.axis, each.rows, len(each.shape or ())) for each in values}) > 1:
        raise UnprovenError("its inputs have not the same rows at the same axis")


def _looked_up(step: Step) -> Value:
    """A place for each row in one list, as all indices in the order of their rows."""
    places, indices = step.shape(1), step.value(1)
    listed = step.value().axis is None and product(step.shape()[:-1]) == ONE
    if not listed or product(places[: indices.axis]) != ONE:
        raise UnprovenError("indices of one row may name another")
    before = step.shape()[:-1] or (ONE,)
    return Value((*before, product(places)), len(before))


def one_more_axis(step: Step) -> Values:
    """As the input, with another axis at the end."""
    shape = step.shape()
    return [Value((*shape, step.names.new()), step.value().axis)]


def picked_features(step: Step) -> Values:
    """The same places of the last axis, of every row; or, by row, of what is the same for all."""
    value, shape = step.value(), step.shape()
    if step.value(1).axis is not None:
        return [_looked_up(step)]
    if len(shape) < 2 or value.axis == len(shape) - 1:  # noqa: PLR2004 - rows and features
        raise UnprovenError("it picks rows")
    return [Value((*shape[:-1], step.names.new()), value.axis)]
