"""Weights that lie in files beside the model are brought into it.

A name in an ONNX file is anybody's word: only plain files of the model's own folder are opened,
never through a link, and no more is read than the tensor has room for.
"""

import os
import stat
from collections.abc import Mapping
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from modelctl.packaging.normalise import walking
from modelctl.packaging.normalise.errors import NotNormalisedError

_Proto = Any  # protobuf messages carry no types here

MOST_BYTES = (1 << 31) - 1
"""Of one ONNX file. Source: protobuf's limit of a message."""

_EXTERNAL = 1  # TensorProto.EXTERNAL
_BITS: Mapping[int, int] = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2}  # element types of less than a byte


def merge(model: _Proto, path: Path | None) -> list[str]:
    """Bring the tensors in that lie beside the file at `path`; None: nothing may be read."""
    tensors = [each for each in walking.messages(model, "TensorProto") if _is_external(each)]
    if not tensors:
        return []
    if path is None:
        raise NotNormalisedError(
            f"keeps tensor {tensors[0].name!r} in another file: name the .onnx file with that file "
            "beside it"
        )
    room, names = MOST_BYTES - model.ByteSize(), set()
    for tensor in tensors:
        location = _location(tensor)
        content = _content(tensor, path.parent, location, room)
        room -= len(content)
        names.add(location)
        tensor.raw_data = content
        del tensor.external_data[:]
        tensor.ClearField("data_location")
    return [f"the weights in {', '.join(sorted(names))} were brought into the one file"]


def _is_external(tensor: _Proto) -> bool:
    return bool(tensor.data_location == _EXTERNAL or tensor.external_data)


def _location(tensor: _Proto) -> str:
    """The file that a tensor names, if it is a name within the model's folder."""
    entries = {each.key: each.value for each in tensor.external_data}
    location = str(entries.get("location", ""))
    parts = PurePosixPath(location).parts
    windows = PureWindowsPath(location)
    bad = not parts or ".." in parts or location.startswith("/") or "\0" in location
    if bad or windows.drive or "\\" in location:
        raise NotNormalisedError(
            f"keeps tensor {tensor.name!r} in {location!r}, expected a file in its own folder: "
            "export it again, or save it with `onnx.save(model, path)` as one file"
        )
    return location


def _content(tensor: _Proto, folder: Path, location: str, room: int) -> bytes:
    entries = {each.key: each.value for each in tensor.external_data}
    size = _size(tensor)
    offset, length = (_number(entries, key, tensor) for key in ("offset", "length"))
    if length not in (None, size):
        raise NotNormalisedError(
            f"says that tensor {tensor.name!r} has {length} bytes in {location}, expected {size} "
            "for its shape: export it again"
        )
    if size > room:
        raise NotNormalisedError(
            "has more than 2 GiB with the weights beside it, which one ONNX file cannot hold: "
            "quantise it, or split it into models of their own"
        )
    content = _read(folder, location, offset or 0, size)
    if len(content) < size:
        raise NotNormalisedError(
            f"needs {size} bytes at {offset or 0} of {location} for tensor {tensor.name!r}, found "
            f"{len(content)}: the file is cut short, copy it again"
        )
    return content


def _size(tensor: _Proto) -> int:
    """Bytes that a tensor of this type and shape takes."""
    import onnx  # noqa: PLC0415 - the child alone needs it

    if any(size < 0 for size in tensor.dims):
        raise NotNormalisedError(f"has tensor {tensor.name!r} with a negative size")
    count: int = prod(tensor.dims)
    if tensor.data_type in _BITS:
        return (count * _BITS[tensor.data_type] + 7) // 8
    try:
        item = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, TypeError) as error:
        raise NotNormalisedError(
            f"has tensor {tensor.name!r} of the element type {tensor.data_type} in another file"
        ) from error
    return int(count * item)


def _number(entries: Mapping[str, str], key: str, tensor: _Proto) -> int | None:
    text = entries.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise NotNormalisedError(f"has tensor {tensor.name!r} with the {key} {text!r}")
    return int(text)


def _read(folder: Path, location: str, offset: int, size: int) -> bytes:
    """A part of a plain file; folders on the way are opened one in the other, no link followed."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        *folders, name = PurePosixPath(location).parts
        for each in folders:
            descriptor = _opened(each, descriptor, os.O_DIRECTORY, location)
        descriptor = _opened(name, descriptor, os.O_NONBLOCK, location)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotNormalisedError(f"keeps weights in {location}, which is no plain file")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(offset)
            return file.read(size)
    finally:
        os.close(descriptor)


def _opened(name: str, parent: int, flags: int, location: str) -> int:
    """What lies in an open folder, which is then closed; the folder stays open on an error."""
    try:
        found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=parent)
    except FileNotFoundError as error:
        raise NotNormalisedError(
            f"keeps weights in {location}, which is not beside it: copy it there as well"
        ) from error
    except OSError as error:
        raise NotNormalisedError(
            f"keeps weights in {location}, which is no plain file that can be read "
            f"({os.strerror(error.errno or 0)}): put a copy there in place of a link"
        ) from error
    os.close(parent)
    return found
