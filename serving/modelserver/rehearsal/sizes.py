"""Which of the sizes that a contract leaves free a model really takes, as runs show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelserver.errors import DeadlineExceeded, RequestError, RequestTooLarge
from modelserver.model.session import Model
from modelserver.start import first_input
from modelserver.start.shapes import sized
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE

Feeds = Mapping[str, Array]
Place = tuple[str, int]
Shapes = tuple[tuple[int, ...], ...]

_ROWS = (1, 2, 3, 8)


@dataclass(slots=True)
class Seen:
    """The shapes of outputs in every run, and sizes that no other than the one found will do."""

    shapes: list[Shapes] = field(default_factory=list)
    fixed: dict[Place, int] = field(default_factory=dict)
    why: dict[Place, str] = field(default_factory=dict)


def vary(model: Model, feeds: Feeds) -> Seen:
    """Run with other sizes than those of `feeds`, which run, at every place where one is free."""
    seen = Seen()
    _run(model, feeds, seen)
    groups = _groups(model)
    for group in groups:
        size = _size(feeds, group)
        is_rows = model.contract.rows_are_free and group[0][1] == 0
        others = _ROWS if is_rows else (size + 1, size * 2, max(size // 2, 1))
        problems = [
            _run(model, _with(feeds, group, other), seen) for other in others if other != size
        ]
        if all(problems) and not _together(model, feeds, groups, seen):
            seen.fixed |= dict.fromkeys(group, size)
            seen.why |= dict.fromkeys(group, problems[0])
    return seen


def _together(model: Model, feeds: Feeds, groups: Sequence[Sequence[Place]], seen: Seen) -> bool:
    """Whether the model runs where all sizes are changed at once: some may have to be equal."""
    if len(groups) < 2:  # noqa: PLR2004 - one alone has been tried
        return False
    larger = dict(feeds)
    for group in groups:
        larger = _with(larger, group, 2 * _size(feeds, group))
    return not _run(model, larger, seen)


def _groups(model: Model) -> list[list[Place]]:
    """Places whose sizes change together: of rows, and of each name that a graph gives a size."""
    groups = first_input.free_sizes(model)
    if model.contract.rows_are_free:
        rows = [(spec.name, 0) for spec in model.contract.inputs]
        return [rows, *groups]
    return groups


def _size(feeds: Feeds, group: Sequence[Place]) -> int:
    name, axis = group[0]
    return int(feeds[name].shape[axis])


def _with(feeds: Feeds, group: Sequence[Place], size: int) -> dict[str, Array]:
    changed = dict(feeds)
    for name, axis in group:
        changed[name] = sized(changed[name], axis, size)
    return changed


def _run(model: Model, feeds: Feeds, seen: Seen) -> str:
    """Why the model does not run; empty where it does, or where that cannot be told."""
    try:
        arrays = model.run(model.contract.output_names, feeds)
    except (RequestTooLarge, DeadlineExceeded):
        return ""
    except RequestError as error:
        return str(error) or type(error).__name__
    seen.shapes.append(tuple(array.shape for array in arrays))
    return ""


def across(shapes: Sequence[Sequence[int]], declared: Sequence[int] | None) -> tuple[int, ...]:
    """The shape that holds for several runs: -1 where sizes differ, or were declared to be free.

    Raises:
        ValueError: The runs gave different numbers of dimensions.
    """
    if len({len(shape) for shape in shapes}) != 1:
        raise ValueError("different numbers of dimensions")
    found = [sizes[0] if len(set(sizes)) == 1 else ANY_SIZE for sizes in zip(*shapes, strict=True)]
    if declared is not None and len(declared) == len(found):
        found = [
            ANY_SIZE if said == ANY_SIZE else size
            for size, said in zip(found, declared, strict=True)
        ]
    return tuple(found)
