"""How the shapes of outputs follow from those of inputs, by a few runs with other sizes."""

from collections.abc import Mapping, Sequence

from modelserver.errors import RequestError
from modelserver.model.contract import SharedSize
from modelserver.model.empty import Place, Shape, Shapes
from modelserver.model.session import Model
from modelserver.start.shapes import sized
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE

Feeds = Mapping[str, Array]


def learn(model: Model, feeds: Feeds, shared: Sequence[SharedSize]) -> Shapes:
    """The shapes of all outputs, from runs in which each free size was larger by one in turn.

    `feeds` is input that runs. A size that the model does not run with is not varied.
    """
    before = _shapes(model, feeds)
    known: dict[str, Shape | None] = dict(before)
    varied: set[Place] = set()
    for places in _free(model, shared):
        name, axis = places[0]
        size = feeds[name].shape[axis]
        larger = dict(feeds)
        for name, axis in places:
            larger[name] = sized(larger[name], axis, size + 1)
        try:
            after = _shapes(model, larger)
        except RequestError:
            continue
        varied.update(places)
        for output, shape in known.items():
            if shape is not None:
                known[output] = _followed(shape, before[output], after[output], size, places[0])
    return Shapes({name: shape for name, shape in known.items() if shape}, frozenset(varied))


def _followed(
    shape: Shape, before: Sequence[int], after: Sequence[int], size: int, place: Place
) -> Shape | None:
    """The shape, with the place where a size grew as that did; None where it did otherwise."""
    if len(before) != len(after):
        return None
    sizes: list[int | Place] = list(shape)
    for axis, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        if (old, new) != (size, size + 1) or not isinstance(sizes[axis], int):
            return None
        sizes[axis] = place
    return tuple(sizes)


def _shapes(model: Model, feeds: Feeds) -> dict[str, tuple[int, ...]]:
    names = model.contract.output_names
    return {name: array.shape for name, array in zip(names, model.run(names, feeds), strict=True)}


def _free(model: Model, shared: Sequence[SharedSize]) -> list[Sequence[Place]]:
    """The places that a client chooses sizes for, those together that must be equal."""
    bound = {place for size in shared for place in size.places}
    alone = [
        (spec.name, axis)
        for spec in model.contract.inputs
        for axis, size in enumerate(spec.shape)
        if size == ANY_SIZE and (spec.name, axis) not in bound
    ]
    return [*(size.places for size in shared), *([place] for place in alone)]
