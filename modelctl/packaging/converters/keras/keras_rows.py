"""Made-up rows for the inputs of a TensorFlow function."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from conversion import Refused, normal, whole

_OPEN = (8, 32)  # sizes for what the model leaves open: a sequence's length; an image's sides
_IMAGE = 4  # dimensions, the batch included
_MOST = 2  # of whole numbers whose meaning nobody told: 0 and 1


def sizes(spec: Any) -> list[int | None]:
    """The sizes of a tensor, None where they are open."""
    if spec.shape.rank is None:
        raise Refused(
            f"found the input {spec.name} without a number of dimensions",
            "save the model again with a fixed shape of its inputs",
        )
    return list(spec.shape.as_list())


def made_up(spec: Any, name: str) -> Any:
    """Rows for an input: real numbers of several scales, or whole ones within its vocabulary."""
    own = sizes(spec)
    length = _OPEN[1] if len(own) >= _IMAGE else _OPEN[0]
    shape = [length if size is None else size for size in own[1:]]
    dtype = np.dtype(spec.dtype.as_numpy_dtype)
    seed = zlib.crc32(name.encode())
    most = getattr(spec, "most", None)
    if most is not None:
        return whole(shape, below=most, seed=seed, dtype=dtype)
    if dtype.kind == "f":
        return normal(shape, seed=seed, dtype=dtype)
    if dtype.kind in "iu":
        return whole(shape, below=_MOST, seed=seed, dtype=dtype)
    if dtype.kind == "b":
        return whole(shape, below=2, seed=seed, dtype=dtype)
    raise Refused(
        f"found the input {name} of the type {spec.dtype.name}",
        "take text apart before the request: text has no ONNX form here",
    )


def within(spec: Any, rows: Any) -> Any:
    """Rows whose whole numbers are of the vocabulary, edges included: beyond it nothing is told."""
    most = getattr(spec, "most", None)
    return rows if most is None else np.clip(np.rint(rows), 0, most - 1).astype(rows.dtype)
