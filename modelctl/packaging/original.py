"""The model as it came: an ONNX file of it, rows, and what its own framework makes of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.errors import UsageError
from modelctl.model import trial
from modelctl.model.graph import read_graph
from modelctl.packaging import arrays, converters, converting, running
from modelctl.packaging.arrays import Arrays
from modelctl.packaging.format import Format
from modelctl.packaging.normalise import normalise

MADE_UP_ROWS = 256
EDGE_ROWS = 5
"""Rows behind the samples, at the edge of what these span: `converters/support/conversion.py`."""
_SEED = 20_251
_NOISE = 0.1  # of a number's own size


@dataclass(frozen=True, slots=True)
class Original:
    """`model` is normalised; `rows` and `expected` are by its names, `edge_rows` of them last.

    `versions` are of the packages that converted it; `lines` tell what was done.
    """

    model: bytes
    rows: Arrays
    expected: Arrays
    edge_rows: int
    versions: Mapping[str, str]
    lines: tuple[str, ...]


def of_format(
    source: Path,
    form: Format,
    *,
    samples: Arrays | None,
    options: Mapping[str, object],
    trust: bool,
    python: Path | None,
) -> Original:
    """What a converter makes of a model.

    Raises:
        ModelctlError: It cannot be converted, or nothing that can be served comes of it.
    """
    converter = converters.of_format(form.name)
    if converter is None:
        raise UsageError(f"{source} is {form.words}, which nothing here converts: {form.way}")
    with arrays.file(samples) as path:
        made = converting.convert(
            source, converter, samples=path, options=options, trust=trust, python=python
        )
    model, changes = _normalised(source, made.model)
    lines = (*made.notes, *changes)
    return Original(model, made.samples, made.expected, EDGE_ROWS, made.environment, lines)


def of_onnx(source: Path, samples: Arrays | None) -> Original:
    """An ONNX file; ONNX Runtime with the file as it came is the original.

    Raises:
        UsageError: Nothing that can be served comes of it, or it does not take the samples.
    """
    model, changes = _normalised(source, source)
    notes = []
    if samples is None:
        notes.append("rows are made up: --samples FILE gives real ones")
    rows = made_up(source, model) if samples is None else _typed(model, samples)
    try:
        expected: Arrays = running.run(source, rows)
    except UsageError as error:
        with running.told_as(source):
            expected = running.run(model, rows)
        notes.append(f"not compared with the file as it came, which does not run: {error}")
    return Original(model, rows, expected, 0, {}, (*changes, *notes))


def _typed(model: bytes, samples: Arrays) -> Arrays:
    """The samples of the graph's inputs, in its types; a single array is for a single input."""
    inputs = read_graph(model).inputs
    named = dict(samples)
    if len(inputs) == 1 and inputs[0].name not in named and len(named) == 1:
        named = {inputs[0].name: next(iter(named.values()))}
    missing = [each.name for each in inputs if each.name not in named]
    if missing:
        raise UsageError(
            f"found samples of {', '.join(samples)}, expected an array for each input: "
            f"{', '.join(each.name for each in inputs)}"
        )
    return {each.name: _cast(named[each.name], each.datatype) for each in inputs}


def _cast(values: NDArray[Any], datatype: str) -> NDArray[Any]:
    return values.astype(_kind(datatype)) if datatype != "BF16" else values


def _kind(datatype: str) -> str:
    """NumPy's name of a datatype."""
    known = {"BYTES": "U", "BOOL": "?", "FP16": "f2", "FP32": "f4", "FP64": "f8"}
    return known.get(datatype) or datatype.lower()


def digest(source: Path) -> str:
    """SHA-256 of a file's bytes, or of the names and bytes of a folder's files."""
    if source.is_file():
        return hashlib.sha256(source.read_bytes()).hexdigest()
    whole = hashlib.sha256()
    for path in sorted(each for each in source.rglob("*") if each.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{content}  {path.relative_to(source).as_posix()}\n".encode())
    return whole.hexdigest()


def _normalised(source: Path, model: Path | bytes) -> tuple[bytes, tuple[str, ...]]:
    with running.told_as(source):
        normal = normalise(model)
    return normal.content, normal.changes


def made_up(source: Path, model: bytes) -> Arrays:
    """Rows like those with which the model server found the graph to run.

    Raises:
        UsageError: A server would not start with it, or finds no rows.
    """
    seen = trial.run(model)
    if isinstance(seen, trial.Refusal):
        raise UsageError(f"{source}: {seen}")
    if seen.golden is None:
        raise UsageError(
            f"{source}: found no rows that it answers the same twice, expected some: give rows "
            "with --samples FILE.npz, an array for each input"
        )
    case = json.loads(seen.golden)["cases"][0]["inputs"]
    return {one["name"]: _varied(_array(one), number) for number, one in enumerate(case)}


def _array(tensor: Mapping[str, Any]) -> NDArray[Any]:
    return np.array(tensor["data"], dtype=_kind(tensor["datatype"])).reshape(tensor["shape"])


def _varied(rows: NDArray[Any], seed: int) -> NDArray[Any]:
    """Those rows over and over, real numbers moved a little."""
    many = rows[np.arange(MADE_UP_ROWS) % len(rows)]
    if many.dtype.kind != "f":
        return many
    chance = np.random.default_rng(_SEED + seed)
    return (many * (1 + _NOISE * chance.standard_normal(many.shape))).astype(many.dtype)
