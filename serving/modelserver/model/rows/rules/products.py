"""Products of matrices: a row passes on every axis but the one that is summed."""

from modelserver.model.rows.step import Step, together
from modelserver.model.rows.values import ONE, Size, UnprovenError, Value

Values = list[Value]
_MATRIX = 2


def matmul(step: Step) -> Values:
    """`numpy.matmul` of the first two inputs."""
    return [multiplied(step, step.value(0), step.value(1))]


def matmul_integer(step: Step) -> Values:
    """As `matmul`, with zero points that are one number each."""
    _one_number(step, 2, 3)
    return matmul(step)


def qlinear_matmul(step: Step) -> Values:
    """As `matmul`, with scales and zero points that are one number each."""
    _one_number(step, 1, 2, 4, 5, 6, 7)
    return [multiplied(step, step.value(0), step.value(3))]


def multiplied(step: Step, left: Value, right: Value) -> Value:
    """The product of two values, each of which may have rows."""
    if left.shape is None or right.shape is None:
        raise UnprovenError("the number of dimensions of an input is not known")
    shapes = (left.shape, right.shape)
    summed = (len(shapes[0]) - 1, max(len(shapes[1]) - _MATRIX, 0))
    if any(each.axis == axis for each, axis in zip((left, right), summed, strict=True)):
        raise UnprovenError("it sums over the rows")
    # As matrices whose outer axes are broadcast: the summed axis counts as 1 on both sides.
    rows = shapes[0] if len(shapes[0]) > 1 else (ONE, *shapes[0])
    columns = shapes[1] if len(shapes[1]) > 1 else (*shapes[1], ONE)
    first = Value((*rows[:-1], ONE), left.axis)
    second = Value((*columns[:-2], ONE, columns[-1]), right.axis)
    whole = together(step, [first, second])
    return _without_vectors(whole, *map(len, shapes))


def _without_vectors(whole: Value, left_rank: int, right_rank: int) -> Value:
    """A vector takes part as a matrix, and the axis that made it one is dropped."""
    shape, axis = whole.shape or (), whole.axis
    if right_rank == 1:
        shape = shape[:-1]
    if left_rank == 1:
        place = len(shape) - (0 if right_rank == 1 else 1) - 1
        shape = (*shape[:place], *shape[place + 1 :])
        axis = None if axis is None else axis - (axis > place)
    return Value(shape, axis)


def gemm(step: Step) -> Values:
    """`A * B + C`, where A and B may be transposed."""
    left = _transposed(step, 0, "transA")
    right = _transposed(step, 1, "transB")
    whole = multiplied(step, left, right)
    if step.given(2):
        added = together(step, [whole, step.value(2)])
        if len(added.shape or ()) != _MATRIX or added.axis != whole.axis:
            raise UnprovenError("its third input is larger than the product")
    return [whole]


def _transposed(step: Step, position: int, name: str) -> Value:
    value, shape = step.value(position), step.shape(position)
    if len(shape) != _MATRIX:
        raise UnprovenError(f"input {position} is no matrix")
    if not step.integer(name, 0):
        return value
    return Value(shape[::-1], None if value.axis is None else 1 - value.axis)


def einsum(step: Step) -> Values:
    """The letter of the rows is in the output, and in every input whose rows it names."""
    equation = step.text("equation", "").replace(" ", "")
    given, arrow, output = equation.partition("->")
    terms = given.split(",")
    if not arrow or "." in equation or len(terms) != len(step.inputs):
        raise UnprovenError(f"its equation {equation!r} does not say where every axis goes")
    found: dict[str, Size] = {}
    for position, term in enumerate(terms):
        if len(term) != step.rank(position):
            raise UnprovenError(f"its equation {equation!r} does not fit its inputs")
        for letter, size in zip(term, step.shape(position), strict=True):
            same = found.setdefault(letter, size) == size
            found[letter] = size if same else step.names.new()
    if not set(output) <= found.keys():
        raise UnprovenError(f"its equation {equation!r} does not say where every axis comes from")
    rows = _letter_of_rows(step, terms)
    shape = tuple(found[each] for each in output)
    if rows is None:
        return [Value(shape)]
    if output.count(rows) != 1:
        raise UnprovenError(f"its equation {equation!r} sums over the rows, {rows}")
    return [Value(shape, output.index(rows))]


def _letter_of_rows(step: Step, terms: list[str]) -> str | None:
    """The letter that names the axis of rows in every input that has it."""
    having = [
        (position, term, value.axis)
        for position, term in enumerate(terms)
        if (value := step.value(position)).axis is not None
    ]
    letters = {term[axis] for _, term, axis in having if axis is not None}
    if not letters:
        return None
    if len(letters) > 1:
        raise UnprovenError("rows of one input meet rows of another")
    letter = letters.pop()
    counts = {step.value(position).rows for position, *_ in having}
    if len(counts) > 1 or any(
        term.count(letter) != (step.value(position).axis is not None)
        for position, term in enumerate(terms)
    ):
        raise UnprovenError("rows of one input meet rows of another, or a size of its own")
    return letter


def _one_number(step: Step, *positions: int) -> None:
    """Return if these inputs, where given, are one number that is the same for every row."""
    step.same_everywhere(*positions)
    for position in positions:
        if step.given(position) and any(each != ONE for each in step.shape(position)):
            raise UnprovenError(f"input {position} is more than one number")
