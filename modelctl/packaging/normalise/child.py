"""What the child does that normalises a file nobody has vouched for."""

import json
from pathlib import Path
from typing import Any

from modelctl.packaging.normalise import (
    dimensions,
    external,
    labels,
    locales,
    outputs,
    shapes,
    tidying,
    versions,
)
from modelctl.packaging.normalise.errors import NotNormalisedError

_Proto = Any  # protobuf messages carry no types here

# What a file is not served without, in the order in which one step builds on another.
_NEEDED = (
    versions.apply,
    outputs.apply,
    shapes.apply,
    labels.apply,
    locales.apply,
    tidying.of_paths,
)
# What only another machine or reader would miss.
_TIDY = (tidying.apply, dimensions.apply)


def answer(request: bytes) -> str:
    """The changes of a file, or the problem with it, as JSON; changed bytes are written to `out`.

    A file that only could be tidier stays as it is, unless `tidy` is asked.
    """
    fields = json.loads(request)
    path, out = Path(fields["path"]), Path(fields["out"])
    try:
        model = _parsed(path)
        changes = external.merge(model, None if fields["alone"] else path)
        for step in _NEEDED:
            changes += step(model)
        if changes or fields["tidy"]:
            for step in _TIDY:
                changes += step(model)
        if changes:
            out.write_bytes(_serialised(model))
    except NotNormalisedError as error:
        return json.dumps({"problem": str(error)})
    return json.dumps({"changes": changes})


def _parsed(path: Path) -> _Proto:
    import onnx  # noqa: PLC0415 - the child alone needs it
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise NotNormalisedError(
            "is truncated or is not an ONNX file: save or download it again"
        ) from error
    return model


def _serialised(model: _Proto) -> bytes:
    from google.protobuf.message import EncodeError  # noqa: PLC0415 - comes with onnx

    try:
        content: bytes = model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError) as error:
        raise NotNormalisedError(
            "has more than 2 GiB with its weights, which one ONNX file cannot hold: quantise it, "
            "or split it into models of their own"
        ) from error
    return content
