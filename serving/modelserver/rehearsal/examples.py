"""Input that the owner gives as a file: a request's JSON, arrays of numpy, or a table.

Of many rows the first few are taken: an example is a check, not a data set.
"""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelserver.errors import GoldenMalformed
from modelserver.model.contract import Contract
from modelserver.start import golden as goldens
from modelserver.tensor.bfloat16 import to_bits
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE, TensorSpec

MOST_ROWS = 16


def read(path: Path, contract: Contract) -> dict[str, Array]:
    """The tensors of a file; its ending says of what kind it is.

    Raises:
        GoldenMalformed: It is of no known kind, or does not fit the contract.
    """
    readers = {".json": _json, ".npz": _npz, ".csv": _csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise GoldenMalformed(f"example: found {path.name}, expected .json, .npz or .csv")
    feeds = reader(path, contract)
    rows = {len(array) for array in feeds.values() if array.ndim}
    if contract.rows_are_free and len(rows) == 1:
        return {name: array[:MOST_ROWS] for name, array in feeds.items()}
    return feeds


def _json(path: Path, contract: Contract) -> dict[str, Array]:
    """A request of the protocol, an object of values by input, or the values of the one input."""
    text = path.read_bytes()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GoldenMalformed(f"example: found no JSON: {error}") from error
    if isinstance(value, dict) and isinstance(value.get("cases"), list) and value["cases"]:
        value = value["cases"][0]
        text = json.dumps(value).encode()
    if isinstance(value, dict) and isinstance(value.get("inputs"), list):
        return goldens.inputs_of(text, contract)
    if not isinstance(value, dict):
        value = {_only(contract).name: value}
    return _by_name({name: _array(name, each) for name, each in value.items()}, contract)


def _array(name: str, value: Any) -> Array:  # noqa: ANN401 - whatever the file holds
    try:
        return np.array(value)
    except ValueError as error:
        raise GoldenMalformed(f"example: {name}: rows have different lengths") from error


def _npz(path: Path, contract: Contract) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, TypeError) as error:
        raise GoldenMalformed(f"example: {path.name} holds no arrays of numpy: {error}") from error
    return _by_name(arrays, contract)


def _csv(path: Path, contract: Contract) -> dict[str, Array]:
    """A column for each input if the first line names them, else columns of the one input."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row][: MOST_ROWS + 1]
    except (UnicodeDecodeError, csv.Error) as error:
        raise GoldenMalformed(f"example: {path.name} is no table: {error}") from error
    if not rows:
        raise GoldenMalformed(f"example: {path.name} has no rows")
    if len({len(row) for row in rows}) > 1:
        raise GoldenMalformed(f"example: {path.name} has rows of different lengths")
    head, body = [cell.strip() for cell in rows[0]], rows[1:]
    if contract.input_names <= {*head}:
        columns = {name: [row[head.index(name)] for row in body] for name in contract.input_names}
        return _by_name({name: np.array(each) for name, each in columns.items()}, contract)
    spec = _only(contract)
    is_head = spec.datatype.name == "BYTES" or not all(map(_is_number, head))
    return _by_name({spec.name: np.array(body if is_head else rows[:MOST_ROWS])}, contract)


def _only(contract: Contract) -> TensorSpec:
    if len(contract.inputs) != 1:
        names = ", ".join(spec.name for spec in contract.inputs)
        raise GoldenMalformed(f"example: found values without names, expected those of {names}")
    return contract.inputs[0]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _by_name(arrays: Mapping[str, Array], contract: Contract) -> dict[str, Array]:
    missing = [name for name in sorted(contract.input_names) if name not in arrays]
    if missing and len(contract.inputs) == len(arrays) == 1:  # the one there is can be no other
        arrays = {contract.inputs[0].name: next(iter(arrays.values()))}
    elif missing:
        found = ", ".join(arrays) or "nothing"
        raise GoldenMalformed(f"example: found {found}, expected {', '.join(missing)} as well")
    return {spec.name: _fitting(spec, arrays[spec.name]) for spec in contract.inputs}


def _fitting(spec: TensorSpec, array: Array) -> Array:
    """The array as the tensor needs it: of its datatype, with a dimension of rows or of columns."""
    shaped = _shaped(spec, _typed(spec, array))
    sizes = zip(spec.shape, shaped.shape, strict=False)
    if shaped.ndim != len(spec.shape) or any(p not in {ANY_SIZE, s} for p, s in sizes):
        raise GoldenMalformed(
            f"example: {spec.name}: found the shape {list(array.shape)}, expected "
            f"{list(spec.shape)}"
        )
    return shaped


def _shaped(spec: TensorSpec, array: Array) -> Array:
    rank = len(spec.shape)
    if array.ndim == rank - 1:
        is_column = spec.shape[-1:] == (1,) and array.ndim == 1
        return array[..., None] if is_column else array[None]
    if array.ndim == rank + 1 and array.shape[-1] == 1:
        return array[..., 0]
    return array


def _typed(spec: TensorSpec, array: Array) -> Array:
    kind = spec.datatype.name
    try:
        if kind == "BYTES":
            return array.astype(str).astype(object)
        if array.dtype.kind in "US" and kind == "BOOL":
            array = np.char.lower(array.astype(str)) == "true"
        numbers = array.astype(np.float64) if array.dtype.kind in "USO" else array
        if kind == "BF16":
            return to_bits(numbers.astype(np.float32))
        typed: Array = numbers.astype(spec.datatype.dtype)
    except (ValueError, TypeError) as error:
        raise GoldenMalformed(
            f"example: {spec.name}: {error}, expected values of {kind}"
        ) from error
    if kind.startswith(("INT", "UINT")) and not np.array_equal(typed, numbers):
        raise GoldenMalformed(
            f"example: {spec.name}: found values that are not whole, or too large"
        )
    return typed
