"""A contract for a file that has none: what its graph declares, as far as runs bear that out.

The file is loaded in a process of its own, which ends before the start: what it held is then given
back, and what ends it ends it alone.
"""

import os
import pickle
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from modelserver.errors import (
    ContractMismatch,
    ModelCrashes,
    ModelServerError,
    ModelUnsupported,
    RequestError,
    RequestTooLarge,
    WarmUpFailed,
)
from modelserver.model import contract as contracts
from modelserver.model import remembering, session
from modelserver.model.contract import Contract
from modelserver.model.graph import parts, reader
from modelserver.model.graph.parts import Declared, ModelFile
from modelserver.model.session import Model
from modelserver.rehearsal import examples, hints, sizes
from modelserver.rehearsal.asked import Asked
from modelserver.rehearsal.sizes import Feeds
from modelserver.start import first_input
from modelserver.start import golden as goldens
from modelserver.tensor.datatypes import BY_ORT_TYPE, DATATYPES, Array, Datatype
from modelserver.tensor.spec import ANY_SIZE, TensorSpec

_DATATYPES = {
    parts.FLOAT: "FP32",
    parts.UINT8: "UINT8",
    parts.INT8: "INT8",
    parts.UINT16: "UINT16",
    parts.INT16: "INT16",
    parts.INT32: "INT32",
    parts.INT64: "INT64",
    parts.STRING: "BYTES",
    parts.BOOL: "BOOL",
    parts.FLOAT16: "FP16",
    parts.DOUBLE: "FP64",
    parts.UINT32: "UINT32",
    parts.UINT64: "UINT64",
    parts.BFLOAT16: "BF16",
}
_ANSWER_CHARACTERS = 300  # of ONNX Runtime's message, so that what to do is not cut off
_LOOKING_S = 60.0  # for input that runs
_NO_FAULT = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGXCPU})


@dataclass(frozen=True, slots=True)
class Draft:
    """What a model takes and gives, input that it runs on, what it gave, and notes in words.

    `is_declared` says whether the graph declares its outputs so that a server takes the contract.
    """

    contract: Contract
    feeds: dict[str, Array]
    outputs: dict[str, Array]
    notes: tuple[str, ...] = ()
    is_declared: bool = True


def made(asked: Asked) -> Draft:
    """The draft for the file that is asked for.

    Raises:
        ModelServerError: The model cannot be served whatever the contract is; the class says why.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(writing, asked)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0 and -code not in _NO_FAULT:
        name = signal.Signals(-code).name
        raise ModelCrashes(f"a first run of the model ended its process by {name}")
    if not content:
        raise MemoryError("a first run of the model took more than there is")
    answer = pickle.loads(content)  # noqa: S301 - from our own child alone
    if isinstance(answer, Exception):
        raise answer
    found: Draft = answer
    return found


def _answer(pipe: int, asked: Asked) -> None:
    """Write the draft, or the error, and end this process."""
    try:
        found: object = _learnt(asked)
    except ModelServerError as error:
        error.__cause__ = None
        found = error
    with os.fdopen(pipe, "wb") as file:
        pickle.dump(found, file)
    os._exit(0)


def _learnt(asked: Asked) -> Draft:
    path = Path(asked.path)
    file = reader.read(path)
    remembering.refuse(file)
    contract = asked.contract.contract() if asked.contract else None
    model = session.load(
        path,
        contract or Contract(_inputs(file), ()),
        providers=asked.providers,
        threads=asked.threads,
        options=asked.provider_options,
    )
    if contract is None:
        model = replace(model, contract=Contract(model.contract.inputs, _outputs(model)))
    feeds = _running(model, file, _example(asked, model.contract))
    seen = sizes.vary(model, feeds)
    if contract is not None and seen.fixed:
        raise ContractMismatch(_refused_sizes(seen))
    narrowed = _narrowed(model.contract, seen) if contract is None else contract
    names = narrowed.output_names
    outputs = dict(zip(names, model.run(names, feeds), strict=True))
    is_declared = contract is not None or _is_declared(narrowed, model)
    return Draft(narrowed, dict(feeds), outputs, tuple(_notes(seen)), is_declared)


def _is_declared(contract: Contract, model: Model) -> bool:
    try:
        contracts.check(contract, model.graph)
    except ContractMismatch:
        return False
    return True


def _inputs(file: ModelFile) -> tuple[TensorSpec, ...]:
    given = [each for each in file.graph.inputs if each.name not in file.graph.initializers]
    return tuple(map(_spec, given))


def _spec(value: Declared) -> TensorSpec:
    name = _DATATYPES.get(value.element_type or 0)
    if name is None or value.shape is None:
        what = "datatype that the protocol carries" if name is None else "shape"
        raise ModelUnsupported(
            f"inputs.{value.name}: found no {what}; export the model with inputs that are tensors "
            "with a shape"
        )
    shape = tuple(size if isinstance(size, int) and size >= 0 else ANY_SIZE for size in value.shape)
    return TensorSpec(value.name, DATATYPES[name], shape)


def _outputs(model: Model) -> tuple[TensorSpec, ...]:
    specs = []
    for tensor in model.graph.outputs:
        datatype: Datatype | None = BY_ORT_TYPE.get(tensor.ort_type)
        if datatype is None:
            raise ModelUnsupported(
                f"outputs.{tensor.name}: found {tensor.ort_type}, expected a tensor; export the "
                "model with tensors as outputs"
            )
        shape = tuple(size if isinstance(size, int) else ANY_SIZE for size in tensor.shape or ())
        specs.append(TensorSpec(tensor.name, datatype, shape))
    return tuple(specs)


def _example(asked: Asked, contract: Contract) -> Feeds | None:
    """The input that the owner gives, if any: of an example, or of the golden file's first case."""
    if asked.example is not None:
        return examples.read(Path(asked.example), contract)
    if asked.golden is not None and contract.outputs:
        return goldens.parse(Path(asked.golden).read_bytes(), contract).cases[0].inputs
    return None


def _running(model: Model, file: ModelFile, example: Feeds | None) -> Feeds:
    """Input that the model runs on.

    Raises:
        WarmUpFailed: None is found.
    """
    names = model.contract.output_names
    if example is not None:
        try:
            model.run(names, example)
        except RequestError as error:
            raise WarmUpFailed(f"the model does not run on the example: {error}") from error
        return example
    until, first = time.monotonic() + _LOOKING_S, None
    for feeds in _candidates(model, file):
        try:
            model.run(names, feeds)
        except RequestError as error:
            if isinstance(error, RequestTooLarge):
                raise WarmUpFailed(f"the model does not run on made-up input: {error}") from error
            first = first or error
            if time.monotonic() > until:
                break
        else:
            return _telling(model, feeds)
    raise WarmUpFailed(
        "the model does not run on made-up input; the first try failed with "
        f"{str(first)[:_ANSWER_CHARACTERS]}"
    ) from first


def _candidates(model: Model, file: ModelFile) -> Iterator[Feeds]:
    if (known := hints.feeds(file, model.contract)) is not None:
        yield known
    yield from first_input.guesses(model, first_input.MORE_SIZES)


def _telling(model: Model, feeds: Feeds) -> Feeds:
    """The same sizes with numbers that differ, if the model runs on them: zeros tell little."""
    other = {
        name: np.linspace(0.1, 0.9, array.size).reshape(array.shape).astype(array.dtype)
        if array.dtype.kind == "f" and not array.any()
        else array
        for name, array in feeds.items()
    }
    try:
        arrays = model.run(model.contract.output_names, other)
    except RequestError:
        return feeds
    finite = all(np.isfinite(array).all() for array in arrays if array.dtype.kind == "f")
    return other if finite else feeds


def _narrowed(contract: Contract, seen: sizes.Seen) -> Contract:
    """What runs bear out of a contract."""
    inputs = tuple(
        replace_shape(
            spec, [seen.fixed.get((spec.name, axis), size) for axis, size in enumerate(spec.shape)]
        )
        for spec in contract.inputs
    )
    outputs = []
    for index, spec in enumerate(contract.outputs):
        shapes = [each[index] for each in seen.shapes]
        try:
            outputs.append(replace_shape(spec, sizes.across(shapes, spec.shape or None)))
        except ValueError as error:
            raise ContractMismatch(
                f"outputs.{spec.name}: found {error} in runs of different sizes "
                f"({', '.join(str(list(shape)) for shape in shapes)}); export the model with an "
                "output of one rank"
            ) from error
    return Contract(inputs, tuple(outputs))


def replace_shape(spec: TensorSpec, shape: Sequence[int]) -> TensorSpec:
    """The same tensor with another shape."""
    return TensorSpec(spec.name, spec.datatype, tuple(shape))


def _refused_sizes(seen: sizes.Seen) -> str:
    (name, axis), size = next(iter(seen.fixed.items()))
    return (
        f"inputs.{name}.shape[{axis}]: the contract lets callers choose, and the model runs with "
        f"{size} alone: {seen.why[name, axis][:_ANSWER_CHARACTERS]}; export it with a dimension "
        "that is dynamic there, or let the contract say the size"
    )


def _notes(seen: sizes.Seen) -> Iterator[str]:
    for (name, axis), size in seen.fixed.items():
        yield f"{name}.shape[{axis}] is {size} in the contract: the model runs with no other size"
