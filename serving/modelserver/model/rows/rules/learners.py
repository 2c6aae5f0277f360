"""Trees, linear models and preprocessing of `ai.onnx.ml`, which take float[rows, features]."""

from modelserver.model.rows.step import Step
from modelserver.model.rows.values import UnprovenError, Value

Values = list[Value]
_TABLE = 2  # dimensions: rows and features


def predicted(step: Step) -> Values:
    """Some numbers for each row."""
    rows = _table(step, 0)
    return [Value((step.shape()[0], step.names.new()), rows.axis)]


def classified(step: Step) -> Values:
    """A label and some scores for each row."""
    rows = _table(step, 0)
    shape = step.shape()
    return [Value(shape[:1], rows.axis), Value((shape[0], step.names.new()), rows.axis)]


def kept(step: Step) -> Values:
    """A table of the same shape."""
    return [_table(step, 0)]


def joined(step: Step) -> Values:
    """Tables with the same rows, side by side."""
    tables = [_table(step, position) for position in range(len(step.inputs))]
    if len({(each.axis, each.rows) for each in tables}) > 1:
        raise UnprovenError("its inputs have not the same rows at the same axis")
    return [Value((step.shape()[0], step.names.new()), tables[0].axis)]


def _table(step: Step, position: int) -> Value:
    value = step.value(position)
    if step.rank(position) != _TABLE or value.axis not in (None, 0):
        raise UnprovenError("it takes a table, whose rows are those of the batch")
    return value
