"""Operators that move elements to other places: where the axis of rows goes, if it stays one."""

from collections.abc import Sequence

from modelserver.model.rows.step import Step, nth, together
from modelserver.model.rows.values import ONE, Element, Size, UnprovenError, Value, product

Values = list[Value]
_ALL = 2**31 - 1  # a slice that ends here or later ends with the axis


def transpose(step: Step) -> Values:
    """Axes change places."""
    value, shape = step.value(), step.shape()
    order = step.integers("perm") or list(range(len(shape)))[::-1]
    order = [nth(axis, len(shape)) for axis in order]
    if sorted(order) != list(range(len(shape))):
        raise UnprovenError("its perm does not fit its input")
    axis = None if value.axis is None else order.index(value.axis)
    return [Value(tuple(shape[each] for each in order), axis)]


def unsqueeze(step: Step) -> Values:
    """Axes of size 1 are put between."""
    value, shape = step.value(), step.shape()
    axes = step.list_of("axes", 1) or []
    rank = len(shape) + len(axes)
    new = {nth(axis, rank) for axis in axes}
    if len(new) < len(axes):
        raise UnprovenError("its axes are named twice")
    old = [place for place in range(rank) if place not in new]
    sizes = dict(zip(old, shape, strict=True))
    axis = None if value.axis is None else old[value.axis]
    return [Value(tuple(sizes.get(place, ONE) for place in range(rank)), axis)]


def squeeze(step: Step) -> Values:
    """Axes of size 1 are dropped; without names of them a single row would lose its axis too."""
    value, shape = step.value(), step.shape()
    axes = step.list_of("axes", 1)
    if axes is None:
        if value.axis is not None or any(each.literal is None for each in shape):
            raise UnprovenError("without axes it drops that of the rows where there is one row")
        axes = [place for place, size in enumerate(shape) if size == ONE]
    dropped = {nth(axis, len(shape)) for axis in axes}
    left = [place for place in range(len(shape)) if place not in dropped]
    if value.axis is not None and value.axis in dropped:
        raise UnprovenError("it drops the axis of rows")
    axis = None if value.axis is None else left.index(value.axis)
    return [Value(tuple(shape[each] for each in left), axis)]


def flatten(step: Step) -> Values:
    """All axes before one become one, and all others another."""
    shape, axis = step.shape(), step.integer("axis", 1)
    if axis < 0:
        axis += len(shape)
    if not 0 <= axis <= len(shape):
        raise UnprovenError(f"axis {axis} is not there in {len(shape)} dimensions")
    return [_laid_out(step.value(), (product(shape[:axis]), product(shape[axis:])))]


def reshape(step: Step) -> Values:
    """The same elements in another shape; which elements belong to a row must stay clear."""
    shape = step.shape()
    wanted = step.value(1).elements
    if wanted is None:
        raise UnprovenError("the shape it gives is not known")
    keeps_zero = bool(step.integer("allowzero", 0))
    sizes: list[Size | None] = []
    inferred: list[int] = []
    for place, each in enumerate(wanted):
        size = _wanted_size(step, each)
        if size == Size(0) and not keeps_zero:
            size = shape[place] if place < len(shape) else None
        if size == Size(-1):
            inferred.append(place)
        sizes.append(size)
    for place in inferred:
        rest = product(size or ONE for other, size in enumerate(sizes) if other != place)
        sizes[place] = product(shape).over(rest)
    if step.value().axis is not None and not inferred:
        _same_total(shape, sizes)
    return [_with_shape(step, sizes)]


def _same_total(before: Sequence[Size], after: Sequence[Size | None]) -> None:
    """Return if there are as many elements as before.

    If there were not, the node should fail; but ONNX Runtime, when it folds where a size comes
    from, may put what fits in its place, and that may be rows.
    """
    if None in after or product(before) != product(size for size in after if size is not None):
        raise UnprovenError("it may give another number of elements")


def _wanted_size(step: Step, element: Element) -> Size | None:
    """A size in the shape that is asked for; of one that is not known it is sure what it is not."""
    if element is None:
        return step.names.new()
    if not isinstance(element, Size) or (element.names and element.number <= 0):
        raise UnprovenError("the shape it gives is not known")
    return element


def _with_shape(step: Step, sizes: Sequence[Size | None]) -> Value:
    """The input in another shape, in which one size may have to be what is left."""
    value = step.value()
    known = [size for size in sizes if size is not None]
    if value.axis is None:
        if any(size.counts_rows for size in known):
            raise UnprovenError("it gives a constant as many dimensions as there are rows")
        return Value(tuple(size or step.names.new() for size in sizes))
    counting = [size for size in known if size.counts_rows]
    if not counting:
        raise UnprovenError("it may put elements of several rows together")
    # Rows are named, so what is left for another size is the same in every run.
    return _laid_out(value, tuple(size or step.names.new() for size in sizes))


def _laid_out(value: Value, shape: tuple[Size, ...]) -> Value:
    """A value of as many elements in a new shape.

    Elements of a row are one run of the memory, or as many runs as there are places on the axes
    before. They stay so where the new axes before that of rows hold as many places.
    """
    before = value.shape or ()
    if value.axis is None:
        return Value(shape)
    axes = [axis for axis, size in enumerate(shape) if size.counts_rows]
    if len(axes) != 1 or shape[axes[0]].names.count("rows") != 1:
        raise UnprovenError("it may put elements of several rows together")
    if product(shape[: axes[0]]) != product(before[: value.axis]):
        raise UnprovenError("it may put elements of several rows together")
    return Value(shape, axes[0])


def expand(step: Step) -> Values:
    """Stretched to a shape, in which the rows may be counted."""
    wanted = _target(step, 1)
    axes = [axis for axis, size in enumerate(wanted) if size.counts_rows]
    if len(axes) > 1 or (axes and wanted[axes[0]].names.count("rows") != 1):
        raise UnprovenError("the number of rows is in two sizes")
    asked = Value(tuple(wanted), axes[0] if axes else None)
    return [together(step, [step.value(), asked])]


def _target(step: Step, position: int) -> list[Size]:
    elements = step.value(position).elements
    if elements is None:
        raise UnprovenError("the shape it gives is not known")
    found = [step.names.new() if each is None else each for each in elements]
    sizes = [each for each in found if isinstance(each, Size) and each.number > 0]
    if len(sizes) < len(found):
        raise UnprovenError("the shape it gives is not known")
    return sizes


def constant_of_shape(step: Step) -> Values:
    """One number everywhere."""
    wanted = step.value().elements
    if wanted is None:
        raise UnprovenError("the shape it gives is not known")
    sizes = [each if isinstance(each, Size) else step.names.new() for each in wanted]
    axes = [axis for axis, size in enumerate(sizes) if size.counts_rows]
    if len(axes) > 1 or (axes and sizes[axes[0]].names.count("rows") != 1):
        raise UnprovenError("the number of rows is in two sizes")
    return [Value(tuple(sizes), axes[0] if axes else None)]


def tile(step: Step) -> Values:
    """Repeated along axes that are not the rows', or a constant once for each row."""
    value, shape = step.value(), step.shape()
    repeats = step.value(1).elements
    if repeats is None or len(repeats) != len(shape):
        raise UnprovenError("how often it repeats is not known")
    times = [each if isinstance(each, Size) else step.names.new() for each in repeats]
    if value.axis is not None and times[value.axis] != ONE:
        raise UnprovenError("it repeats rows")
    sizes = tuple(size.times(each) for size, each in zip(shape, times, strict=True))
    axes = [axis for axis, size in enumerate(sizes) if size.counts_rows]
    if len(axes) > 1 or (axes and sizes[axes[0]].names.count("rows") != 1):
        raise UnprovenError("the number of rows is in two sizes")
    return [Value(sizes, axes[0] if axes else None)]


def concat(step: Step) -> Values:
    """One after another along an axis that is not the rows'; all have rows, or none has."""
    values = [each for each in step.inputs if each is not None]
    axis = nth(step.integer("axis", 1), step.rank())
    if len({(each.axis, each.rows, len(each.shape or ())) for each in values}) > 1:
        raise UnprovenError("its inputs have not the same rows at the same axis")
    if values[0].axis == axis:
        raise UnprovenError("it puts rows after rows")
    joined = [(each.shape or ())[axis] for each in values]
    known = [each.literal for each in joined]
    shape = list(step.shape())
    numbers = [each for each in known if each is not None]
    whole = len(numbers) == len(known)
    shape[axis] = Size(sum(numbers)) if whole else step.names.new()
    return [Value(tuple(shape), values[0].axis)]


def split(step: Step) -> Values:
    """In parts along an axis that is not the rows'."""
    value, axis = step.value(), nth(step.integer("axis", 0), step.rank())
    step.same_everywhere(1)
    if value.axis == axis:
        raise UnprovenError("it parts rows from rows")
    shape = step.shape()
    return [
        Value((*shape[:axis], part, *shape[axis + 1 :]), value.axis)
        for part in _parts(step, shape[axis])
    ]


def _parts(step: Step, whole: Size) -> list[Size]:
    """The sizes of the parts."""
    number = len(step.node.outputs)
    if step.given(1) or "split" in step.node.attributes:
        numbers = step.list_of("split", 1) or []
        return [Size(each) for each in numbers]
    size = whole.literal
    if size is None or size % number:
        return list(step.new_sizes(number))
    return [Size(size // number)] * number


def slice_(step: Step) -> Values:
    """A piece along axes that are not the rows', of which all are taken."""
    value, shape = step.value(), list(step.shape())
    step.same_everywhere(*range(1, len(step.inputs)))
    axes = step.list_of("axes", 3)
    if axes is None:
        axes = list(range(_length(step, "starts", 1)))
    for place, axis in enumerate(nth(axis, len(shape)) for axis in axes):
        if _takes_all(step, place, shape[axis]):
            continue
        if axis == value.axis:
            raise UnprovenError("it may leave out rows")
        if any(step.value(each).counts_rows for each in (1, 2) if step.given(each)):
            raise UnprovenError("where it begins or ends depends on the number of rows")
        shape[axis] = _piece(step, place, shape[axis])
    return [Value(tuple(shape), value.axis)]


def _piece(step: Step, place: int, size: Size) -> Size:
    """The size of a piece, where all numbers are known."""
    pace = _bound(step, "steps", 4, place) if step.given(4) else ONE
    bounds = (_bound(step, "starts", 1, place), _bound(step, "ends", 2, place), pace, size)
    known = [each.literal if isinstance(each, Size) else None for each in bounds]
    start, end, stride, whole = known
    if start is None or end is None or not stride or whole is None:
        return step.names.new()
    if stride < 0 and end < -whole:
        return step.names.new()
    return Size(len(range(*slice(start, end, stride).indices(whole))))


def _length(step: Step, name: str, position: int) -> int:
    given = step.value(position).elements if step.given(position) else step.integers(name)
    if given is None:
        raise UnprovenError("where it begins is not known")
    return len(given)


def _takes_all(step: Step, place: int, size: Size) -> bool:
    start = _bound(step, "starts", 1, place)
    end = _bound(step, "ends", 2, place)
    pace = _bound(step, "steps", 4, place) if step.given(4) else ONE
    open_end = isinstance(end, Size) and end.literal is not None and end.literal >= _ALL
    return start == Size(0) and pace == ONE and (open_end or end == size)


def _bound(step: Step, name: str, position: int, place: int) -> Element:
    if step.given(position):
        elements = step.value(position).elements
        return elements[place] if elements is not None and place < len(elements) else None
    numbers = step.integers(name) or []
    return Size(numbers[place]) if place < len(numbers) else None


def pad(step: Step) -> Values:
    """More of axes that are not the rows'."""
    value, shape = step.value(), list(step.shape())
    step.same_everywhere(*range(1, len(step.inputs)))
    pads = step.list_of("pads", 1) or []
    axes = step.numbers(3) if step.given(3) else list(range(len(shape)))
    if len(pads) != 2 * len(axes):
        raise UnprovenError("its pads do not fit its input")
    for place, axis in enumerate(nth(axis, len(shape)) for axis in axes):
        before, after = pads[place], pads[place + len(axes)]
        if not before and not after:
            continue
        if axis == value.axis:
            raise UnprovenError("it adds rows")
        size = shape[axis].literal
        shape[axis] = step.names.new() if size is None else Size(size + before + after)
    return [Value(tuple(shape), value.axis)]
