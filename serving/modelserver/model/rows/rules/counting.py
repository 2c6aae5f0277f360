"""Shapes and what is computed from them: small tensors whose elements are known, or counted."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from modelserver.model.graph import parts
from modelserver.model.rows.step import Step, nth
from modelserver.model.rows.values import ONE, Element, Size, UnprovenError, Value, product, sizes

Values = list[Value]
Elements = tuple[Element, ...]

_FEW = 64
"""Shapes have fewer dimensions; larger tensors are not followed element by element."""

_WIDE = 1 << 31
"""A result from here on may not fit into its type, which is not followed."""

_FOLLOWED = (parts.INT32, parts.INT64, parts.BOOL, parts.FLOAT, parts.DOUBLE)


def constant(step: Step) -> Values:
    """A tensor of the file, or one number, text or list of them."""
    attributes = step.node.attributes
    if isinstance(tensor := attributes.get("value"), parts.Tensor):
        return [Value(sizes(tensor.dims), None, known_elements(tensor))]
    if isinstance(given := next(iter(attributes.values()), None), int | float | str):
        return [Value((), None, None if isinstance(given, str) else (as_element(given),))]
    if not isinstance(given, tuple) or "sparse_value" in attributes:
        raise UnprovenError("its value is not known")
    numbers = [each for each in given if isinstance(each, int | float)]
    elements = tuple(map(as_element, numbers)) if len(numbers) == len(given) else None
    return [Value(sizes([len(given)]), None, elements)]


def shape(step: Step) -> Values:
    """The sizes of the input, some of which may count rows."""
    every = step.shape()
    taken = every[slice(step.integer("start", 0), step.integer("end", len(every)))]
    return [Value((Size(len(taken)),), None, taken)]


def size(step: Step) -> Values:
    """The number of elements."""
    return [Value((), None, (product(step.shape()),))]


def folded(step: Step) -> Elements | None:
    """The elements of the first output, where they follow from those of the inputs."""
    fold = _FOLDS.get(step.node.op_type)
    if fold is None or step.node.domain:
        return None
    for value in step.inputs:
        if value is not None and (value.elements is None or len(value.elements) > _FEW):
            return None
    return fold(step)


def _same(step: Step) -> Elements | None:
    return step.value().elements


def _cast(step: Step) -> Elements | None:
    """Whole numbers stay what they are in a wide type."""
    elements = step.value().elements or ()
    if step.integer("to", 0) in (parts.INT32, parts.INT64):
        return tuple(_narrow(each) if isinstance(each, Size) else None for each in elements)
    return None


def _narrow(size: Size) -> Element:
    return size if abs(size.number) < _WIDE else None


def _concat(step: Step) -> Elements | None:
    if any(len(step.shape(position)) != 1 for position in range(len(step.inputs))):
        return None
    return tuple(each for value in step.inputs if value for each in value.elements or ())


def _gather(step: Step) -> Elements | None:
    if step.rank() != 1 or step.rank(1) > 1:
        return None
    elements = step.value().elements or ()
    return tuple(elements[nth(place, len(elements))] for place in step.numbers(1))


def _slice(step: Step) -> Elements | None:
    if step.rank() != 1:
        return None
    elements = step.value().elements or ()
    starts, ends = step.list_of("starts", 1), step.list_of("ends", 2)
    steps = step.numbers(4) if step.given(4) else [1]
    if not starts or not ends or len(starts) != 1 or steps[0] < 1:
        return None
    return elements[slice(starts[0], ends[0], steps[0])]


def _product(step: Step) -> Elements | None:
    elements = step.value().elements or ()
    whole = [each for each in elements if isinstance(each, Size)]
    axes = step.list_of("axes", 1)
    if step.rank() != 1 or len(whole) < len(elements) or axes not in (None, [0], [-1]):
        return None
    if step.integer("noop_with_empty_axes", 0):
        return None
    return (_narrow(product(whole)),)


def _pairs(combine: Callable[[Size, Size], Element]) -> Callable[[Step], Elements | None]:
    """The fold of an operator on two whole numbers."""

    def fold(step: Step) -> Elements | None:
        left, right = (step.value(position).elements or () for position in (0, 1))
        if max(step.rank(0), step.rank(1)) > 1 or not left or not right:
            return None
        number = max(len(left), len(right))
        if {len(left), len(right)} - {1, number}:
            return None
        pairs = zip(_repeated(left, number), _repeated(right, number), strict=True)
        return tuple(_combined(combine, *pair) for pair in pairs)

    return fold


def _repeated(elements: Elements, number: int) -> Elements:
    return elements * number if len(elements) == 1 else elements


def _combined(combine: Callable[[Size, Size], Element], left: Element, right: Element) -> Element:
    """The result, which is unknown but the same in all runs, unless rows are counted."""
    result = None
    if isinstance(left, Size) and isinstance(right, Size):
        result = combine(left, right)
    result = _narrow(result) if isinstance(result, Size) else result
    if result is None and any(isinstance(e, Size) and e.counts_rows for e in (left, right)):
        raise UnprovenError("what it gives depends on the number of rows")
    return result


def _quotient(left: Size, right: Size) -> Element:
    return left.over(right)


def _sum(sign: int) -> Callable[[Size, Size], Element]:
    def combine(left: Size, right: Size) -> Element:
        if right == Size(0):
            return left
        if left.names == right.names:
            number = left.number + sign * right.number
            return Size(number, left.names) if number else Size(0)
        return None

    return combine


def _equal(left: Size, right: Size) -> Element:
    if left == right:
        return ONE
    if left.literal is not None and right.literal is not None:
        return Size(0)
    named, number = (left, right.literal) if left.names else (right, left.literal)
    if number is not None and number < 0 < named.number:
        return Size(0)  # a size is never negative
    return None


def _where(step: Step) -> Elements | None:
    lists = [step.value(position).elements or () for position in range(3)]
    number = max(map(len, lists))
    if max(step.rank(position) for position in range(3)) > 1:
        return None
    if any(len(each) not in (1, number) for each in lists):
        return None
    conditions, first, second = (_repeated(each, number) for each in lists)
    return tuple(map(_chosen, conditions, first, second))


def _chosen(condition: Element, first: Element, second: Element) -> Element:
    if isinstance(condition, Size) and condition.literal is not None:
        return first if condition.literal else second
    if first == second and first is not None:
        return first
    counting = (condition, first, second)
    if any(isinstance(each, Size) and each.counts_rows for each in counting):
        raise UnprovenError("what it gives depends on the number of rows")
    return None


def _filled(step: Step) -> Elements | None:
    """As many elements as a small shape says, of the value that is given."""
    wanted = step.value().elements or ()
    value = step.node.attributes.get("value")
    filling = known_elements(value) if isinstance(value, parts.Tensor) else (0.0,)
    number = wanted[0].literal if len(wanted) == 1 and isinstance(wanted[0], Size) else None
    if number is None or not 0 <= number <= _FEW or filling is None or len(filling) != 1:
        return None
    return filling * number


def as_element(number: float) -> Element:
    """A number of the file as an element."""
    return Size(int(number)) if isinstance(number, int) else number


def known_elements(tensor: parts.Tensor) -> Elements | None:
    """The elements of a tensor of the file, where it is small and of a usual type."""
    if tensor.values is None or tensor.element_type not in _FOLLOWED:
        return None
    return tuple(map(as_element, tensor.values))


_FOLDS: Mapping[str, Callable[[Step], Elements | None]] = MappingProxyType(
    {
        "Identity": _same,
        "Squeeze": _same,
        "Unsqueeze": _same,
        "Reshape": _same,
        "Flatten": _same,
        "Cast": _cast,
        "Concat": _concat,
        "Gather": _gather,
        "Slice": _slice,
        "ReduceProd": _product,
        "Mul": _pairs(Size.times),
        "Div": _pairs(_quotient),
        "Add": _pairs(_sum(1)),
        "Sub": _pairs(_sum(-1)),
        "Equal": _pairs(_equal),
        "Where": _where,
        "ConstantOfShape": _filled,
    }
)
