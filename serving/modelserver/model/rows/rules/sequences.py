"""Recurrent nets and attention: a row is one sequence, and its steps depend on each other."""

from modelserver.model.rows.step import Step
from modelserver.model.rows.values import ONE, Size, UnprovenError, Value

Values = list[Value]
_WEIGHTS = (1, 2, 3, 7)
_LENGTHS, _STATES = 4, (5, 6)


def recurrent(step: Step) -> Values:
    """X[time, rows, features], or rows first by `layout`; states and lengths belong to rows."""
    step.same_everywhere(*_WEIGHTS)
    first = step.integer("layout", 0) == 1
    value, shape = step.value(), step.shape()
    if len(shape) != 3:  # noqa: PLR2004 - time, rows and features
        raise UnprovenError("its input has not 3 dimensions")
    wanted = 0 if first else 1
    rows = shape[wanted]
    axis = value.axis
    if axis not in (None, wanted):
        raise UnprovenError(f"it looks along axis {axis}, where the rows are")
    places = {_LENGTHS: 0, **dict.fromkeys(_STATES, wanted)}
    for position, place in places.items():
        if step.given(position) and (
            step.value(position).axis != (None if axis is None else place)
            or step.value(position).rows != value.rows
        ):
            raise UnprovenError(f"input {position} does not belong to the rows")
    time, directions, hidden = (step.names.new() for _ in range(3))
    if first:
        whole = Value((rows, time, directions, hidden), None if axis is None else 0)
        last = Value((rows, directions, hidden), None if axis is None else 0)
    else:
        whole = Value((time, directions, rows, hidden), None if axis is None else 2)
        last = Value((directions, rows, hidden), None if axis is None else 1)
    return [whole, last, last]


def attention(step: Step) -> Values:
    """Queries, keys and values of a row meet each other, what was kept of it, and its mask."""
    query = step.value()
    _rows_first(step, 0, 1, 2, 4, 5, 6)
    mask = step.value(3) if step.given(3) else None
    if mask is not None and mask.axis is None:
        if query.axis is not None and len(step.shape(3)) > 2 and step.shape(3)[0] != ONE:  # noqa: PLR2004
            raise UnprovenError("its mask has a size of its own at the axis of rows")
    elif mask is not None and (mask.axis, mask.rows, step.rank(3)) != (0, query.rows, 4):
        raise UnprovenError("its mask does not belong to the rows")
    rank = step.rank()
    rows = step.shape()[0]

    def of(dimensions: int) -> Value:
        return Value((rows, *step.new_sizes(dimensions - 1)), query.axis)

    return [of(rank), of(4), of(4), of(4)]


def rotary_embedding(step: Step) -> Values:
    """Angles by place for all rows, or for each row its own."""
    value = step.value()
    if step.given(3):
        step.same_everywhere(1, 2)
        _rows_first(step, 0, 3)
    else:
        _rows_first(step, 0, 1, 2)
    return [Value(step.shape(), value.axis)]


def _rows_first(step: Step, *positions: int) -> None:
    """Return if all these inputs, where given, have the same rows at axis 0, or none has rows."""
    found: set[tuple[int | None, Size | None]] = {
        (step.value(position).axis, step.value(position).rows)
        for position in positions
        if step.given(position)
    }
    if len(found) > 1 or next(iter(found))[0] not in (None, 0):
        raise UnprovenError("its inputs have not the same rows at axis 0")
