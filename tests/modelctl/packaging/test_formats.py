"""Formats of models are told by what is in a file or folder, with the way to a release."""

import gzip
import io
import json
import pickle
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest

import onnx_models
from modelctl.packaging.formats import FORMATS, recognise

_ONNX = onnx_models.model(onnx_models.node("Relu", "x", "y")).SerializeToString()


def _zip(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return content.getvalue()


def _joblib() -> bytes:
    content = io.BytesIO()
    joblib.dump({"w": np.zeros(3)}, content)
    return content.getvalue()


def _npz(*, whole: bool = True) -> bytes:
    content = io.BytesIO()
    if whole:
        np.savez(content, weights=np.zeros(3))
    else:
        np.save(content, np.zeros(3))
    return content.getvalue()


_HEADER = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
_FILES = {
    "onnx": _ONNX,
    "npz": _npz(),
    "npy": _npz(whole=False),
    "pickle": pickle.dumps({"w": 1}),
    "joblib": _joblib(),
    "skops": _zip("schema.json", "0.npy"),
    "keras": _zip("metadata.json", "config.json", "model.weights.h5"),
    "keras-h5": b"\x89HDF\r\n\x1a\n" + bytes(500) + b"model_config keras_version",
    "keras-weights": b"\x89HDF\r\n\x1a\n" + bytes(500) + b"layer_names",
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(500),
    "xgboost-json": b'{"learner":{"attributes":{}},"version":[3,2,0]}',
    "xgboost-ubj": b"{L\0\0\0\0\0\0\0\x07learner{L\0\0\0\0\0\0\0\x0aattributes{}}",
    "lightgbm": b"tree\nversion=v4\nnum_class=1\n",
    "catboost": b"CBM1" + bytes(40),
    "torch-export": _zip("m/archive_format", "m/models/model.json"),
    "torchscript": _zip("m/data.pkl", "m/constants.pkl", "m/code/a.py"),
    "torch": _zip("archive/data.pkl", "archive/data/0", "archive/version"),
    "safetensors": len(_HEADER).to_bytes(8, "little") + _HEADER + bytes(4),
    "tflite": bytes(4) + b"TFL3" + bytes(20),
    "ort": bytes(4) + b"ORTM" + bytes(20),
    "gguf": b"GGUF\x03\0\0\0",
    "tensorrt": b"ptrt" + bytes(20),
    "pmml": b'<?xml version="1.0"?>\n<PMML xmlns="http://www.dmg.org/PMML-4_4">',
    "openvino": b'<?xml version="1.0"?>\n<net name="m" version="11">',
    "git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
    "html": b"<!DOCTYPE html><html>",
    "empty": b"",
    "unknown": b"plainly no model",
    "zip": _zip("readme.txt", "inner/model.pkl"),
}


@pytest.mark.parametrize("name", _FILES)
def test_tells_a_file_by_its_content_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    """The name of the file says nothing here, and the format is found."""
    path = tmp_path / "model.bin"
    path.write_bytes(_FILES[name])

    assert name == recognise(path).name


@pytest.mark.parametrize(
    ("called", "content", "name"),
    [
        ("m.pt", pickle.dumps({"w": 1}), "torch"),
        ("m.joblib", pickle.dumps({"w": 1}), "joblib"),
        ("m.pkl.gz", gzip.compress(pickle.dumps({"w": 1}), mtime=0), "joblib"),
        ("m.onnx.gz", gzip.compress(_ONNX, mtime=0), "gzip"),
        ("m.mlmodel", b"\x08\x04\x12\x00", "coreml"),
        ("m.onnx", b"\xffdamaged", "onnx"),
        ("m.onnx.data", bytes(16), "onnx-data"),
        ("inference.pdmodel", b"\x0a\x00", "paddle"),
        ("saved_model.pb", b"\x08\x01\x12\x00", "saved-model-file"),
    ],
)
def test_lets_the_name_decide_where_the_content_leaves_a_choice(
    called: str, content: bytes, name: str, tmp_path: Path
) -> None:
    """A pickle called `.pt` is PyTorch's; damaged bytes are told of as what they should be."""
    path = tmp_path / called
    path.write_bytes(content)

    assert name == recognise(path).name


@pytest.mark.parametrize(
    ("mark", "name"),
    [
        ("saved_model.pb", "saved-model"),
        ("MLmodel", "mlflow"),
        ("model.safetensors", "huggingface"),
        ("config.pbtxt", "triton"),
        ("a.onnx", "onnx-folder"),
        ("notes.txt", "folder"),
    ],
)
def test_tells_a_folder_by_the_file_that_only_such_a_folder_has(
    mark: str, name: str, tmp_path: Path
) -> None:
    """A folder is named as what it is, not as something that cannot be read."""
    (tmp_path / mark).write_bytes(b"x")

    found = recognise(tmp_path)

    assert name == found.name
    assert found.is_folder


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_has_words_and_a_way_that_names_the_path(name: str, tmp_path: Path) -> None:
    """Whatever is found, the next step is said, without a hole in the sentence."""
    path = tmp_path / "my model.bin"

    found = FORMATS[name].at(path, inside="inner", known="npz")

    assert found.words
    assert found.way
    assert not {"{", "}"} & set(found.way.replace("{providers:", "").replace("cpu]}", ""))
    assert not found.converter or f"'{path}'" in found.way


def test_a_format_that_runs_code_is_packaged_with_trust_alone(tmp_path: Path) -> None:
    """The way says which files run code when they are read."""
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps({}))

    found = recognise(path)

    assert found.runs_code
    assert "--trust" in found.way
