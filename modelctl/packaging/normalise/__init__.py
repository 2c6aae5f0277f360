"""An ONNX file made such that a model server takes it, with every change told in one line.

A file that needs nothing stays as it is, byte for byte; the same file twice gives the same bytes.
"""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelctl.errors import UsageError
from modelctl.model import contained
from modelctl.packaging.normalise import child, declaring


@dataclass(frozen=True, slots=True)
class Normalised:
    """The bytes, and in a line each what was changed of those that were given."""

    content: bytes
    changes: tuple[str, ...]


def normalise(source: Path | bytes, *, tidy: bool = True) -> Normalised:
    """The model of a file, or of its bytes: whole, of tensors alone, of versions that are loaded.

    Weights beside the file are brought into it. With `tidy`, what is true of no other machine is
    removed as well, such as doc strings, and the first dimension is named.

    Raises:
        UsageError: The file cannot be read, or nothing can be made of it that would be served; the
            message begins with a verb or names a file beside this one.
    """
    with tempfile.TemporaryDirectory(prefix="modelctl-") as folder:
        path = source if isinstance(source, Path) else Path(folder, "model.onnx")
        content = _read(path) if isinstance(source, Path) else source
        if isinstance(source, bytes):
            path.write_bytes(content)
        out = Path(folder, "normalised.onnx")
        request = {"path": str(path.absolute()), "out": str(out), "tidy": tidy}
        request["alone"] = isinstance(source, bytes)
        try:
            answer = json.loads(contained.call(child.answer, json.dumps(request).encode()))
        except contained.ContainedError as error:
            raise UsageError(f"ends the process that reads it ({error})") from error
        if problem := answer.get("problem"):
            raise UsageError(problem)
        changed = out.read_bytes() if out.exists() else content
        return Normalised(changed, tuple(answer["changes"]))


def with_shapes(content: bytes, shapes: Mapping[str, Sequence[int]]) -> bytes:
    """The same model, whose outputs of these names declare these shapes.

    Raises:
        UsageError: The file ends the process that reads it.
    """
    with tempfile.TemporaryDirectory(prefix="modelctl-") as folder:
        path, out = Path(folder, "model.onnx"), Path(folder, "declared.onnx")
        path.write_bytes(content)
        request = {"path": str(path), "out": str(out), "shapes": {**shapes}}
        try:
            contained.call(declaring.answer, json.dumps(request).encode())
        except contained.ContainedError as error:
            raise UsageError(f"ends the process that reads it ({error})") from error
        return out.read_bytes()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {os.strerror(error.errno or 0)}") from error
