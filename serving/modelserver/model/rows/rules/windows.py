"""Operators that slide a window over the spatial axes of float[rows, channels, ...]."""

from collections.abc import Sequence

from modelserver.model.rows.step import Step
from modelserver.model.rows.values import ONE, Size, UnprovenError, Value

Values = list[Value]
_OUTER = 2  # rows and channels
_IMAGE_RANK = 4


def conv(step: Step) -> Values:
    """Weights are the same for every row, and each image is convolved by itself."""
    return [_convolved(step, step.value(0), 1, step.shape(1))]


def qlinear_conv(step: Step) -> Values:
    """As `conv`, with scales and zero points."""
    return [_convolved(step, step.value(0), 3, step.shape(3))]


def _convolved(step: Step, value: Value, position: int, weights: tuple[Size, ...]) -> Value:
    step.same_everywhere(*range(1, len(step.inputs)))
    _rows_first(value)
    shape = step.shape(0)
    if len(weights) != len(shape):
        raise UnprovenError(f"input {position} has another number of dimensions")
    spatial = _slid(step, shape[_OUTER:], weights[_OUTER:])
    return Value((shape[0], weights[0], *spatial), value.axis)


def conv_transpose(step: Step) -> Values:
    """As `conv`; the sizes it gives are not followed."""
    step.same_everywhere(*range(1, len(step.inputs)))
    value = step.value()
    _rows_first(value)
    inner = step.new_sizes(step.rank() - 1)
    return [Value((step.shape()[0], *inner), value.axis)]


def deform_conv(step: Step) -> Values:
    """Image, offsets and mask belong to a row, weights and bias to all."""
    step.same_everywhere(1, 3)
    moving = [step.value(position) for position in (0, 2, 4) if step.given(position)]
    if {each.axis for each in moving} - {None} and (
        {each.axis for each in moving} != {0} or len({each.rows for each in moving}) > 1
    ):
        raise UnprovenError("image, offsets and mask have not the same rows")
    inner = step.new_sizes(step.rank() - _OUTER)
    return [Value((step.shape()[0], step.shape(1)[0], *inner), step.value().axis)]


def pool(step: Step) -> Values:
    """Each window gives one number. Places of maxima count through all rows: they are no output."""
    if len([name for name in step.node.outputs if name]) > 1:
        raise UnprovenError("its places of maxima count through all rows")
    value = step.value()
    _rows_first(value)
    shape, kernel = step.shape(), step.integers("kernel_shape")
    if kernel is None or len(kernel) != len(shape) - _OUTER:
        raise UnprovenError("its window does not fit its input")
    if step.integer("ceil_mode", 0):
        inner: Sequence[Size] = step.new_sizes(len(kernel))
    else:
        inner = _slid(step, shape[_OUTER:], tuple(map(Size, kernel)))
    return [Value((*shape[:_OUTER], *inner), value.axis)]


def global_pool(step: Step) -> Values:
    """All spatial axes become 1."""
    value = step.value()
    _rows_outside_space(value)
    shape = step.shape()
    return [Value((*shape[:_OUTER], *(ONE for _ in shape[_OUTER:])), value.axis)]


def per_image(step: Step) -> Values:
    """Each image gives an image of the same number of dimensions, whatever its sizes."""
    step.same_everywhere(*range(1, len(step.inputs)))
    value = step.value()
    _rows_first(value)
    return [Value((step.shape()[0], *step.new_sizes(step.rank() - 1)), value.axis)]


def columns_to_image(step: Step) -> Values:
    """From columns[rows, channels * block, blocks] an image of the size that is given."""
    step.same_everywhere(1, 2)
    value = step.value()
    _rows_first(value)
    elements = step.value(1).elements
    if elements is None or step.rank() != 3:  # noqa: PLR2004 - rows, channels and blocks
        raise UnprovenError("the size of its image is not known")
    return [Value((step.shape()[0], *step.new_sizes(1 + len(elements))), value.axis)]


def grid_sample(step: Step) -> Values:
    """Each image is sampled at places of its own."""
    value, grid = step.value(), step.value(1)
    _rows_first(value)
    if (grid.axis, grid.rows) != (value.axis, value.rows):
        raise UnprovenError("its grid does not belong to the rows")
    return [Value((*step.shape()[:_OUTER], *step.new_sizes(step.rank() - _OUTER)), value.axis)]


def resize(step: Step) -> Values:
    """The axis of rows keeps its size; smooth ways look at the last axes alone."""
    value, shape = step.value(), step.shape()
    step.same_everywhere(*range(1, len(step.inputs)))
    if value.axis is None:
        raise UnprovenError("its size is not followed")
    mode, scales, wanted = step.text("mode", "nearest"), _scales(step), _wanted(step)
    kept = [axis for axis in range(len(shape)) if _keeps(axis, shape, scales, wanted)]
    if value.axis not in kept or not _plain(step):
        raise UnprovenError("it may stretch the axis of rows")
    if any(isinstance(each, Size) and each.counts_rows for each in _apart_from(value, wanted)):
        raise UnprovenError("the size it gives depends on the number of rows")
    smooth = mode != "nearest"
    if smooth and (value.axis or len(shape) != _IMAGE_RANK or not {0, 1} <= set(kept)):
        raise UnprovenError(f"with {mode} it may look beyond a row")
    sizes = tuple(size if axis in kept else step.names.new() for axis, size in enumerate(shape))
    return [Value(sizes, value.axis)]


def _plain(step: Step) -> bool:
    ways = ["half_pixel", "pytorch_half_pixel", "asymmetric"]
    if step.text("mode", "nearest") != "nearest":
        ways.append("align_corners")  # a division, which may miss a whole number
    return (
        step.text("coordinate_transformation_mode", "half_pixel") in ways
        and step.text("keep_aspect_ratio_policy", "stretch") == "stretch"
        and step.text("nearest_mode", "round_prefer_floor") in ("round_prefer_floor", "floor")
        and not step.integer("antialias", 0)
        and step.integers("axes") is None
    )


def _scales(step: Step) -> Sequence[object] | None:
    """The scale of each axis; the position depends on the version, of which the first has two."""
    if (given := step.node.attributes.get("scales")) is not None:
        return given if isinstance(given, tuple) else None
    two = len(step.inputs) == 2  # noqa: PLR2004 - Upsample, and the first version of Resize
    position = 1 if two else 2
    return step.value(position).elements if step.given(position) else None


def _wanted(step: Step) -> Sequence[object] | None:
    return step.value(3).elements if step.given(3) else None


def _apart_from(value: Value, wanted: Sequence[object] | None) -> list[object]:
    return [each for axis, each in enumerate(wanted or ()) if axis != value.axis]


def _keeps(
    axis: int,
    shape: Sequence[Size],
    scales: Sequence[object] | None,
    wanted: Sequence[object] | None,
) -> bool:
    """Whether the size of an axis stays what it is."""
    if wanted:
        return len(wanted) == len(shape) and wanted[axis] == shape[axis]
    return scales is not None and len(scales) == len(shape) and scales[axis] in (1.0, ONE)


def _rows_first(value: Value) -> None:
    if value.axis not in (None, 0):
        raise UnprovenError(f"it looks across axis {value.axis}, where the rows are")


def _rows_outside_space(value: Value) -> None:
    if value.axis is not None and value.axis >= _OUTER:
        raise UnprovenError(f"it looks across axis {value.axis}, where the rows are")


def _slid(step: Step, sizes: Sequence[Size], kernel: Sequence[Size]) -> list[Size]:
    """The sizes that a window gives, where all numbers are known."""
    number = len(sizes)
    strides = step.integers("strides") or [1] * number
    dilations = step.integers("dilations") or [1] * number
    pads = step.integers("pads") or [0] * (2 * number)
    way = step.text("auto_pad", "NOTSET")
    found = []
    for axis, (size, window) in enumerate(zip(sizes, kernel, strict=True)):
        whole, width = size.literal, window.literal
        if whole is None or width is None:
            found.append(step.names.new())
        elif way in ("SAME_UPPER", "SAME_LOWER"):
            found.append(Size(-(-whole // strides[axis])))
        else:
            pad = pads[axis] + pads[axis + number] if way == "NOTSET" else 0
            reach = (width - 1) * dilations[axis] + 1
            found.append(Size((whole + pad - reach) // strides[axis] + 1))
    return found
