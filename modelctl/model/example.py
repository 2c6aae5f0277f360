"""A request that a contract allows, made up: for a first try, not for sensible answers."""

import random
import string
from collections.abc import Callable, Mapping
from math import prod

from modelctl.model.tensors import Contract, TensorSpec

_LARGEST = 9  # of whole numbers: small ones are often classes, tokens or counts
_DIGITS = 3  # of real numbers after the point, which every datatype can tell apart
_TEXT = 6  # letters

_MADE: Mapping[str, Callable[[random.Random], object]] = {
    "BOOL": lambda chance: chance.random() < 0.5,  # noqa: PLR2004 - a coin
    "BYTES": lambda chance: "".join(chance.choices(string.ascii_lowercase, k=_TEXT)),
}


def request(contract: Contract, chance: random.Random) -> dict[str, object]:
    """A request of the Open Inference Protocol; sizes that may vary are 1."""
    return {"inputs": [_tensor(spec, chance) for spec in contract.inputs]}


def _tensor(spec: TensorSpec, chance: random.Random) -> dict[str, object]:
    shape = [1 if size < 0 else size for size in spec.shape]
    return {
        "name": spec.name,
        "datatype": spec.datatype,
        "shape": shape,
        "data": [_element(spec.datatype, chance) for _ in range(prod(shape))],
    }


def _element(datatype: str, chance: random.Random) -> object:
    if datatype in _MADE:
        return _MADE[datatype](chance)
    if "INT" in datatype:
        return chance.randint(0, _LARGEST)
    return round(chance.uniform(-1, 1), _DIGITS)
