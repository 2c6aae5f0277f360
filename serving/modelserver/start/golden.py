"""Recorded inputs and outputs, replayed before a release becomes ready.

The file is `{"tolerance": {"absolute": 1e-5, "relative": 1e-4}, "cases": [{"inputs": [...],
"outputs": [...]}]}`, with tensors as in an inference request.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from modelserver.codec import tensors
from modelserver.codec.protocol import InferRequest, RequestInput
from modelserver.codec.wording import found_and_expected
from modelserver.errors import GoldenMalformed, GoldenMismatch, InvalidRequest, RequestError
from modelserver.model.contract import Contract
from modelserver.model.session import Model
from modelserver.tensor.bfloat16 import from_bits
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import TensorSpec

MAX_BYTES = 64 << 20
"""A larger golden file is refused: it holds a few cases, not a data set."""


class Tolerance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number may differ from the recorded one by `absolute + relative * abs(recorded)`."""

    absolute: float = 1e-5
    relative: float = 1e-4


class _Case(msgspec.Struct, frozen=True):
    inputs: list[RequestInput]
    outputs: list[RequestInput]


class _File(msgspec.Struct, frozen=True):
    cases: list[_Case]
    tolerance: Tolerance = Tolerance()


@dataclass(frozen=True, slots=True)
class Case:
    """Arrays by the tensor's name; only the outputs that the file names are compared."""

    inputs: dict[str, Array]
    outputs: dict[str, Array]


@dataclass(frozen=True, slots=True)
class Golden:
    """What a release answered when it was made."""

    cases: tuple[Case, ...]
    tolerance: Tolerance


def parse(text: bytes, contract: Contract) -> Golden:
    """The cases of a golden file, checked against the contract.

    Raises:
        GoldenMalformed: The text is no golden file, or does not fit the contract.
    """
    try:
        file = msgspec.json.decode(text, type=_File)
    except msgspec.ValidationError as error:
        path, problem = found_and_expected(error)
        raise GoldenMalformed(f"golden file: {path.removeprefix('.')}: {problem}") from error
    except (ValueError, RecursionError) as error:
        raise GoldenMalformed(f"golden file: {error}; record it anew") from error
    if not file.cases:
        raise GoldenMalformed("golden file: found no cases, expected at least one")
    return Golden(
        tuple(
            Case(
                _arrays(contract.inputs, case.inputs, f"cases[{index}].inputs", complete=True),
                _arrays(contract.outputs, case.outputs, f"cases[{index}].outputs", complete=False),
            )
            for index, case in enumerate(file.cases)
        ),
        file.tolerance,
    )


def inputs_of(text: bytes, contract: Contract) -> dict[str, Array]:
    """The inputs of a request, or of a case: an object with a list `inputs`.

    Raises:
        GoldenMalformed: The text is no such object, or does not fit the contract.
    """
    try:
        request = msgspec.json.decode(text, type=InferRequest)
    except msgspec.ValidationError as error:
        path, problem = found_and_expected(error)
        raise GoldenMalformed(f"example: {path.removeprefix('.')}: {problem}") from error
    except (ValueError, RecursionError) as error:
        raise GoldenMalformed(f"example: {error}") from error
    return _arrays(contract.inputs, request.inputs, "inputs", complete=True, what="example")


def replay(model: Model, golden: Golden) -> None:
    """Return if the model gives every recorded answer.

    Raises:
        GoldenMismatch: It gives another; the error names the first element that differs.
    """
    for index, case in enumerate(golden.cases):
        names = [spec for spec in model.contract.outputs if spec.name in case.outputs]
        try:
            arrays = model.run([spec.name for spec in names], case.inputs)
        except RequestError as error:
            raise GoldenMismatch(f"cases[{index}]: {error}") from error
        for spec, found in zip(names, arrays, strict=True):
            field = f"cases[{index}].outputs.{spec.name}"
            _compare(spec, found, case.outputs[spec.name], golden.tolerance, field)


def _arrays(
    specs: Sequence[TensorSpec],
    given: Sequence[RequestInput],
    field: str,
    *,
    complete: bool,
    what: str = "golden file",
) -> dict[str, Array]:
    by_name = {spec.name: spec for spec in specs}
    arrays: dict[str, Array] = {}
    for index, tensor in enumerate(given):
        if tensor.name not in by_name:
            raise GoldenMalformed(
                f"{what}: {field}[{index}].name: found {tensor.name!r}, "
                f"expected one of {', '.join(by_name)}"
            )
        try:
            arrays[tensor.name] = tensors.read(by_name[tensor.name], tensor)
        except InvalidRequest as error:
            place = error.within(f"{field}[{index}]")
            raise GoldenMalformed(f"{what}: {place}") from error
    if (complete and len(arrays) < len(specs)) or not (arrays or complete):
        missing = ", ".join(name for name in by_name if name not in arrays)
        raise GoldenMalformed(f"{what}: {field}: {missing} is missing")
    return arrays


def _compare(
    spec: TensorSpec, found: Array, expected: Array, tolerance: Tolerance, field: str
) -> None:
    if found.shape != expected.shape:
        raise GoldenMismatch(f"{field}: found shape {found.shape}, expected {expected.shape}")
    if spec.datatype.name == "BF16":
        found, expected = from_bits(found), from_bits(expected)
    if found.dtype.kind == "f":
        near = np.isclose(
            found.astype(np.float64), expected, rtol=tolerance.relative, atol=tolerance.absolute
        )
    else:
        near = np.asarray(found == expected)
    if not near.all():
        index = int(np.flatnonzero(~near.ravel())[0])
        raise GoldenMismatch(
            f"{field}.data[{index}]: found {found.ravel()[index]}, "
            f"expected {expected.ravel()[index]} within {tolerance.absolute:g} + "
            f"{tolerance.relative:g} x |expected|; {int((~near).sum())} of {near.size} elements "
            "differ; check that artifact and golden file were made together"
        )
