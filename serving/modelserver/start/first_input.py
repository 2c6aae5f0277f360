"""Input that a model runs on: the example of its golden file, or else a guess."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from modelserver.errors import (
    ModelOutOfMemory,
    RequestError,
    RequestTooLarge,
    StartError,
    WarmUpFailed,
)
from modelserver.model.contract import shared_sizes
from modelserver.model.session import Model
from modelserver.start import shapes
from modelserver.tensor.bfloat16 import to_bits
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE, TensorSpec

Feeds = Mapping[str, Array]

# Sizes that windows of sound, patches of images and encoders ask for.
_SIZES = (2, 8, 16, 32, 64, 128, 256, 512, 1024)

MORE_SIZES = (
    *_SIZES,
    *(3, 4, 5, 10, 24, 28, 48, 80, 96, 112, 160, 192, 224, 299, 320, 384, 400, 416, 480, 640, 768),
    *(1280, 1536, 16000),
)
"""The same and more, for somebody who has the time to look for long."""

_CHANNELS = (3, 1)
_IMAGES = (32, 64, 224, 256, 640)

# A guess that runs is found soon; the bound is for models whose every failure takes its time.
_GUESSING_S = 5.0

# Of ONNX Runtime's message, so that what comes before it is read where lines are cut.
_ERROR_CHARACTERS = 200

_REMEDY = (
    "give the release a golden file, whose first case is tried instead of guesses: "
    '{"cases": [{"inputs": [...], "outputs": [...]}]} with tensors as in a request and an answer; '
    "the first guess failed with "
)

Place = tuple[str, int]
"""An input's name and an axis."""


@dataclass(frozen=True, slots=True)
class Fill:
    """What a guessed tensor holds: numbers by its shape, or a text in every place."""

    numbers: Callable[[list[int]], Array]
    text: str


_FILLS = (
    Fill(np.zeros, "0"),
    Fill(np.ones, "1"),
    Fill(lambda shape: np.linspace(0.1, 0.9, prod(shape)).reshape(shape), ""),
)


@dataclass(frozen=True, slots=True)
class FirstInput:
    """Input that has run, and the seconds that its first run took."""

    feeds: Feeds
    run_s: float


def find(model: Model, example: Feeds | None) -> FirstInput:
    """The example, or the first guess that the model runs on, with outputs as promised.

    Raises:
        WarmUpFailed: The model does not run on it.
        ContractMismatch: It runs, but does not give what the contract promises.
        ModelOutOfMemory: Memory is short for it.
    """
    if example is not None:
        try:
            return _tried(model, example)
        except RequestError as error:
            raise _failed(error, "on the first case of its golden file", "") from error
    until, first_error = time.perf_counter() + _GUESSING_S, None
    for feeds in guesses(model):
        try:
            return _tried(model, feeds)
        except RequestError as error:
            first_error = first_error or error
            if isinstance(error, RequestTooLarge) or time.perf_counter() > until:
                break
    raise _failed(first_error, "on guessed inputs", _REMEDY) from first_error


def _tried(model: Model, feeds: Feeds) -> FirstInput:
    return FirstInput(feeds, shapes.check_outputs(model, feeds))


def _failed(error: RequestError | None, what: str, remedy: str) -> StartError:
    if isinstance(error, RequestTooLarge):
        return ModelOutOfMemory(str(error))
    return WarmUpFailed(f"the model does not run {what}: {remedy}{str(error)[:_ERROR_CHARACTERS]}")


def guesses(model: Model, tried: Sequence[int] = _SIZES) -> Iterator[dict[str, Array]]:
    """Zeros, ones and small numbers of size 1 where a size is free; then of other sizes."""
    specs = model.contract.inputs
    for fill in _FILLS:
        yield {spec.name: _array(spec, fill, {}) for spec in specs}
    groups = free_sizes(model)
    for size in tried:
        for chosen in (*([group] for group in groups if len(groups) > 1), groups):
            sizes = {place: size for group in chosen for place in group}
            for fill in _FILLS[:2]:
                yield {spec.name: _array(spec, fill, sizes) for spec in specs}
    if tried is not _SIZES:
        yield from _images(model, groups)


def _images(model: Model, groups: Sequence[Sequence[Place]]) -> Iterator[dict[str, Array]]:
    """Images of usual sizes, where their channels are free as well."""
    for channels in _CHANNELS:
        for size in _IMAGES:
            sizes = {place: size for group in groups for place in group}
            sizes |= {place: channels for group in groups for place in group if place[1] == 1}
            yield {spec.name: _array(spec, _FILLS[0], sizes) for spec in model.contract.inputs}


def free_sizes(model: Model) -> list[list[Place]]:
    """Places of sizes, rows apart, that a client chooses; together where the graph says so."""
    rows = model.contract.rows_are_free
    shared = {place: size.name for size in shared_sizes(model.graph) for place in size.places}
    batch = {shared.get((spec.name, 0)) for spec in model.contract.inputs if rows} - {None}
    groups: dict[object, list[Place]] = {}
    for spec in model.contract.inputs:
        for axis, size in enumerate(spec.shape):
            name: object = shared.get((spec.name, axis), (spec.name, axis))
            if size == ANY_SIZE and not (rows and axis == 0) and name not in batch:
                groups.setdefault(name, []).append((spec.name, axis))
    return list(groups.values())


def _array(spec: TensorSpec, fill: Fill, sizes: Mapping[Place, int]) -> Array:
    shape = [
        sizes.get((spec.name, axis), 1) if size == ANY_SIZE else size
        for axis, size in enumerate(spec.shape)
    ]
    if spec.datatype.name == "BYTES":
        return np.full(shape, fill.text, object)
    if spec.datatype.name == "BF16":
        return to_bits(fill.numbers(shape).astype(np.float32))
    return fill.numbers(shape).astype(spec.datatype.dtype)
