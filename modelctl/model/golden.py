"""Why a model server would refuse a golden file, judged without the model."""

import json
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from modelctl.model.graph import ANY_SIZE
from modelctl.model.tensors import Contract, TensorSpec

MAX_BYTES = 64 << 20  # the server reads no larger one

_FIELDS = ("name", "datatype", "shape", "data")
_TOLERANCES = ("absolute", "relative")


class _ProblemError(Exception):
    """What is wrong, as words that follow the name of the file."""


def golden_problem(content: bytes, contract: Contract) -> str:
    """The first problem of a golden file, as words that begin with a verb; empty for none."""
    try:
        fields = json.loads(content, parse_constant=_no_number)
        cases = _cases(fields)
        for index, case in enumerate(cases):
            _require(isinstance(case, dict), f"has cases[{index}] that is no object")
            at = f"cases[{index}]"
            _side(case, "inputs", contract.inputs, at, is_whole=True)
            _side(case, "outputs", contract.outputs, at, is_whole=False)
    except _ProblemError as problem:
        return str(problem)
    except (ValueError, RecursionError) as error:
        return f"is no JSON: {error}"
    return ""


def _require(holds: object, problem: str) -> None:
    if not holds:
        raise _ProblemError(problem)


def _no_number(word: str) -> None:
    raise _ProblemError(f"has {word}, which is no number of JSON")


def _cases(fields: Any) -> list[Any]:  # noqa: ANN401 - whatever the file holds
    _require(isinstance(fields, dict), "is no object with the field cases")
    cases = fields.get("cases")
    _require(isinstance(cases, list) and cases, "has no cases")
    tolerance = fields.get("tolerance", {})
    is_known = isinstance(tolerance, dict) and all(
        name in _TOLERANCES and _is_number(value) for name, value in tolerance.items()
    )
    _require(is_known, "has a tolerance that is not absolute and relative as numbers")
    return list(cases)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _side(
    case: dict[str, Any], side: str, specs: Sequence[TensorSpec], at: str, *, is_whole: bool
) -> None:
    tensors = case.get(side)
    _require(isinstance(tensors, list), f"has no {side} in {at}")
    known = {spec.name: spec for spec in specs}
    seen = set()
    for index, tensor in enumerate(tensors or ()):
        place = f"{at}.{side}[{index}]"
        _require(isinstance(tensor, dict), f"has {place} that is no object")
        missing = [name for name in _FIELDS if name not in tensor]
        _require(not missing, f"has no {', '.join(missing)} in {place}")
        name = tensor["name"]
        is_known = isinstance(name, str) and name in known
        _require(is_known, f"has {name!r} in {place}, not {', '.join(known)}")
        _tensor(tensor, known[name], place)
        seen.add(name)
    left = [name for name in known if name not in seen]
    _require(not (is_whole and left), f"has no {', '.join(left)} among the inputs of {at}")
    _require(is_whole or seen, f"has no outputs in {at}")


def _tensor(tensor: dict[str, Any], spec: TensorSpec, place: str) -> None:
    datatype, shape = tensor["datatype"], tensor["shape"]
    _require(
        datatype == spec.datatype,
        f"has {spec.name} as {datatype!r} in {place}, not {spec.datatype}",
    )
    sizes = shape if isinstance(shape, list) else []
    fits = len(sizes) == len(spec.shape) and all(
        isinstance(size, int) and size >= 0 and wanted in (ANY_SIZE, size)
        for size, wanted in zip(sizes, spec.shape, strict=False)
    )
    _require(
        fits and isinstance(shape, list),
        f"has {spec.name} of shape {shape!r} in {place}, not {list(spec.shape)}",
    )
    count = 0
    for value in _values(tensor["data"]):
        count += 1
        fits = _fits(value, spec.datatype)
        _require(fits, f"has {str(value)[:20]!r} in {place}, not a value of {spec.datatype}")
    _require(
        count == prod(sizes), f"has {count} values for {spec.name} in {place}, not {prod(sizes)}"
    )


def _fits(value: object, datatype: str) -> bool:
    """Whether a value of JSON is one of a datatype."""
    if datatype == "BYTES":
        return isinstance(value, str)
    if datatype == "BOOL":
        return isinstance(value, bool)
    if datatype.startswith(("INT", "UINT")):
        return isinstance(value, int) and not isinstance(value, bool)
    return _is_number(value)


def _values(data: Any) -> Iterator[object]:  # noqa: ANN401 - nested lists, or one flat list
    """The innermost values of data, which may be nested by its shape."""
    if not isinstance(data, list):
        yield data
        return
    pending = [iter(data)]
    while pending:
        for value in pending[-1]:
            if isinstance(value, list):
                pending.append(iter(value))
                break
            yield value
        else:
            pending.pop()
