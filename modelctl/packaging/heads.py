"""What the first bytes of a file tell of its format."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

LENGTH = 64 << 10
"""So many bytes are looked at."""

_TORCH_MAGIC = b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # of torch.save before version 1.6
_PICKLE_PROTO = 0x80
_LAST_PROTOCOL = 5
_JOBLIB = re.compile(rb"joblib[.]numpy_pickle|NumpyArrayWrapper")
_TREE = b"tree\nversion="
_GRAPH, _OPSETS = 7, 8  # fields of a ModelProto that no other message has beside its first ones
_OF_BYTES = frozenset({2, 3, 4, 6, _GRAPH, _OPSETS, 14, 20, 25, 26})
_MORE = 0x80  # the bit of a byte that says that another one follows
_LENGTHY = 2  # the kind of a field that says its length
_MOST_IR = 1000  # far above every version of the format

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x93NUMPY", "npy"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"GGUF", "gguf"),
    (b"CBM1", "catboost"),
    (b"ptrt", "tensorrt"),
    (b"ftrt", "tensorrt"),
    (b"binf", "xgboost-binary"),
    (b"CONFIG-offset:", "xgboost-binary"),
    (_TREE, "lightgbm"),
    (b"version https://git-lfs.github.com/spec/", "git-lfs"),
    (b"RDX3\n", "rds"),
    (b"RDX2\n", "rds"),
    (b"X\n\0\0", "rds"),
    (b"BZh", "packed"),
    (b"\xfd7zXZ\0", "packed"),
    (b"\x28\xb5\x2f\xfd", "packed"),
)
_AT_FOUR: tuple[tuple[bytes, str], ...] = ((b"TFL3", "tflite"), (b"ORTM", "ort"))
_BY_SUFFIX: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("onnx", ".mlmodel"): "coreml",
        ("pickle", ".joblib"): "joblib",
        ("packed", ".joblib"): "joblib",
        ("packed", ".pkl"): "joblib",
        ("pickle", ".pt"): "torch",
        ("pickle", ".pth"): "torch",
    }
)
_BY_NAME: tuple[tuple[str, str], ...] = (
    (".pdmodel", "paddle"),
    (".pdiparams", "paddle"),
    (".mlmodel", "coreml"),
    (".engine", "tensorrt"),
    (".plan", "tensorrt"),
    (".trt", "tensorrt"),
    (".onnx.data", "onnx-data"),
    (".onnx_data", "onnx-data"),
    (".onnxtxt", "onnx-text"),
    (".textproto", "onnx-text"),
    (".ckpt", "tensorflow-checkpoint"),
    (".index", "tensorflow-checkpoint"),
    (".data-00000-of-00001", "tensorflow-checkpoint"),
    (".onnx", "onnx"),  # a damaged one is told of as what it should be
    ("saved_model.pb", "saved-model-file"),
    (".pb", "graph-def"),
)


def name_of(head: bytes, path: Path) -> str:
    """The name of the format of a file that begins so; what it is called decides last."""
    if not head:
        return "empty"
    for look in _LOOKS:
        if name := look(head):
            return _more(name, path)
    lower = path.name.lower()
    return next((name for end, name in _BY_NAME if lower.endswith(end)), "unknown")


def _more(name: str, path: Path) -> str:
    """What only the rest of the file, or its name, tells apart."""
    if name == "hdf5":
        return _hdf5(path)
    return _BY_SUFFIX.get((name, path.suffix.lower()), name)


def _beginning(head: bytes) -> str:
    return next((name for start, name in _BEGINNINGS if head.startswith(start)), "")


def _fourth(head: bytes) -> str:
    return next((name for word, name in _AT_FOUR if head[4:8] == word), "")


def _pickle(head: bytes) -> str:
    """Pickles from protocol 2 on say so; those before begin with a global, a list or a dict."""
    if _TORCH_MAGIC in head[:64]:
        return "torch"
    is_new = head[0] == _PICKLE_PROTO and head[1:2] and head[1] <= _LAST_PROTOCOL
    is_old = re.match(rb"\([dl]p\d+\n|\(i[\w.]+\n|c[\w.]+\n[\w.]+\n", head)
    if not (is_new or is_old):
        return ""
    return "joblib" if _JOBLIB.search(head) else "pickle"


def _safetensors(head: bytes) -> str:
    length = int.from_bytes(head[:8], "little")
    return "safetensors" if head[8:9] == b"{" and 1 < length < (100 << 20) else ""


def _object(head: bytes) -> str:
    """JSON and UBJSON both begin with a brace."""
    text = head.lstrip()
    if not text.startswith(b"{"):
        return ""
    if b"learner" in text[:32] and not _is_json(text):
        return "xgboost-ubj"
    if b'"learner"' in text:
        return "xgboost-json"
    if b'"modelTopology"' in text or b'"weightsManifest"' in text:
        return "tfjs"
    if b'"format_version"' in text and b'"features_info"' in text:
        return "catboost-json"
    return ""


def _is_json(text: bytes) -> bool:
    """Whether the text goes on as JSON does after the brace."""
    return re.match(rb"\{\s*\"", text) is not None


def _markup(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if not text.startswith(b"<"):
        return ""
    words = ((b"<pmml", "pmml"), (b"<net ", "openvino"), (b"<!doctype html", "html"))
    return next((name for word, name in words if word in text), "html" if b"<html" in text else "")


def _onnx(head: bytes) -> str:
    """The first fields of a ModelProto: its IR version as a small number, then names and a graph.

    Source: onnx.proto3, ModelProto; protobuf's encoding.
    """
    at, seen = 0, set()
    while at < len(head):
        field, kind = head[at] >> 3, head[at] & 7
        at += 1
        value, at = _varint(head, at)
        if value is None:
            break
        if (field, kind) in {(1, 0), (5, 0)}:
            if field == 1 and value > _MOST_IR:
                return ""
        elif kind == _LENGTHY and field in _OF_BYTES:
            at += value
        else:
            return ""
        seen.add(field)
    return "onnx" if _GRAPH in seen or _OPSETS in seen else ""


def _varint(head: bytes, at: int) -> tuple[int | None, int]:
    value, shift = 0, 0
    while at < len(head):
        byte = head[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < _MORE:
            return value, at
    return None, at


def _text_of_onnx(head: bytes) -> str:
    return "onnx-text" if re.match(rb"\s*ir_version:\s*\d", head) else ""


_LOOKS: tuple[Callable[[bytes], str], ...] = (
    _beginning,
    _fourth,
    _safetensors,
    _markup,
    _object,
    _text_of_onnx,
    _onnx,
    _pickle,
)


def _hdf5(path: Path) -> str:
    """Keras keeps a model's configuration as an attribute, of which the name stands in the file."""
    names = (b"model_config", b"keras_version", b"layer_names", b"_layer_checkpoint")
    found = {name for name in names if _holds(path, name)}
    if b"model_config" in found:
        return "keras-h5"
    if found or path.name.lower().endswith(".weights.h5"):
        return "keras-weights"
    return "hdf5"


def _holds(path: Path, word: bytes) -> bool:
    """Whether a file has a word in its first or last megabytes."""
    part = 4 << 20
    with path.open("rb") as file:
        if word in file.read(part):
            return True
        size = file.seek(0, 2)
        file.seek(max(0, size - part))
        return word in file.read(part)
