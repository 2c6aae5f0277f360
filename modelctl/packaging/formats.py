"""Which format a model's file or folder has, and the way from there to a release.

What a file holds decides, and its name only where the content leaves the choice: a name is easily
wrong, and a file of one format often lies in another, such as a pickle in a zip.
"""

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from modelctl.packaging import archives, folders, heads
from modelctl.packaging.format import Format


def _table(*formats: Format) -> Mapping[str, Format]:
    return MappingProxyType({each.name: each for each in formats})


_EXPORT = "export it from its own framework as ONNX, then `modelctl new NAME --artifact model.onnx`"

FORMATS: Mapping[str, Format] = _table(
    Format("onnx", "an ONNX model", converter="onnx"),
    Format("npz", "numpy arrays (npz)", converter="npz"),
    Format("skops", "a scikit-learn model (skops)", converter="sklearn"),
    Format("pickle", "a pickle, as scikit-learn models come", converter="sklearn", runs_code=True),
    Format("joblib", "a joblib pickle, as scikit-learn models come", converter="sklearn",
           runs_code=True),
    Format("keras", "a Keras model (.keras)", converter="keras", runs_code=True),
    Format("keras-h5", "a Keras model (HDF5)", converter="keras", runs_code=True),
    Format("saved-model", "a TensorFlow SavedModel folder", converter="keras", is_folder=True,
           runs_code=True),
    Format("xgboost-json", "an XGBoost model (JSON)", converter="xgboost"),
    Format("xgboost-ubj", "an XGBoost model (UBJSON)", converter="xgboost"),
    Format("lightgbm", "a LightGBM model (text)", converter="lightgbm"),
    Format("catboost", "a CatBoost model (cbm)", converter="catboost"),
    Format("catboost-json", "a CatBoost model (JSON)", way=(
        "save it as `model.save_model('model.cbm')`, then `modelctl package model.cbm --model "
        "NAME`")),
    Format("torch-export", "a program of torch.export (.pt2)", converter="torch", runs_code=True),
    Format("torchscript", "a TorchScript module", converter="torch", runs_code=True),
    Format("torch", "a PyTorch checkpoint", converter="torch", runs_code=True),
    Format("mlflow", "an MLflow model folder", converter="mlflow", is_folder=True, runs_code=True),
    Format("safetensors", "weights without a graph (safetensors)", way=(
        "load them into the module that they belong to and export that with torch.export or "
        "torch.onnx.export; then `modelctl package model.pt2 --model NAME`, or `modelctl new NAME "
        "--artifact model.onnx`")),
    Format("huggingface", "a Hugging Face model folder", is_folder=True, way=(
        "export it with `optimum-cli export onnx --model {path} onnx/`, then `modelctl new NAME "
        "--artifact onnx/model.onnx`")),
    Format("tflite", "a TensorFlow Lite model", way=(
        "convert it with `python -m tf2onnx.convert --tflite {path} --output model.onnx`, then "
        "`modelctl new NAME --artifact model.onnx`")),
    Format("graph-def", "a frozen TensorFlow graph", way=(
        "convert it with `python -m tf2onnx.convert --graphdef {path} --output model.onnx --inputs "
        "… --outputs …`, then `modelctl new NAME --artifact model.onnx`")),
    Format("tensorflow-checkpoint", "weights of a TensorFlow checkpoint", way=(
        "load them into the model that they belong to and save that as .keras or SavedModel, then "
        "`modelctl package model.keras --model NAME`")),
    Format("keras-weights", "weights of a Keras model without the model", way=(
        "load them into the model and save that whole with `model.save('model.keras')`, then "
        "`modelctl package model.keras --model NAME`")),
    Format("hdf5", "an HDF5 file that holds no Keras model", way=(
        "save the whole model with `model.save('model.keras')`, then `modelctl package model.keras "
        "--model NAME`")),
    Format("npy", "one numpy array (npy)", way=(
        "write all arrays of the model into one file with `numpy.savez('model.npz', …)`, then "
        "`modelctl package model.npz --model NAME`")),
    Format("coreml", "a Core ML model", way=_EXPORT),
    Format("openvino", "an OpenVINO model", way=_EXPORT),
    Format("paddle", "a PaddlePaddle model", way=(
        "convert it with paddle2onnx, then `modelctl new NAME --artifact model.onnx`")),
    Format("pmml", "a PMML document", way=_EXPORT),
    Format("tensorrt", "a TensorRT engine, which fits one GPU and driver alone", way=(
        "release the ONNX model that it was built from: the server builds engines itself with "
        "`runtime: {{providers: [tensorrt, cuda, cpu]}}`")),
    Format("gguf", "a GGUF language model", way=(
        "the server runs ONNX models alone: release the model's ONNX export, or serve it with "
        "llama.cpp")),
    Format("ort", "a model in ONNX Runtime's own format (.ort)", way=(
        "release the .onnx file that it was made from: `modelctl new NAME --artifact model.onnx`")),
    Format("xgboost-binary", "an XGBoost model in the old binary format", way=(
        "load and save it again with `booster.save_model('model.json')`, then `modelctl package "
        "model.json --model NAME`")),
    Format("mojo", "an H2O MOJO", way=_EXPORT),
    Format("spark", "a Spark ML model folder", is_folder=True, way=_EXPORT),
    Format("tfjs", "a TensorFlow.js model", way=(
        "release the model that it was converted from: `modelctl package model.keras --model NAME`"
    )),
    Format("rds", "an R object", way=_EXPORT),
    Format("onnx-data", "the weights beside an ONNX model, not the model", way=(
        "name the .onnx file itself, which brings them along")),
    Format("onnx-folder", "a folder with several ONNX models", is_folder=True, way=(
        "name the one to be released: {inside}")),
    Format("onnx-text", "an ONNX model as text", way=(
        "write it as bytes with `onnx.save(onnx.load('{path}'), 'model.onnx')`, then `modelctl new "
        "NAME --artifact model.onnx`")),
    Format("triton", "a Triton model folder", converter=None, is_folder=True, way=(
        "`modelctl import {path}`")),
    Format("saved-model-file", "one file of a TensorFlow SavedModel", way=(
        "name the folder that it lies in: `modelctl package {folder} --model NAME --trust`")),
    Format("packed", "a packed file", way="unpack it and name what is in it"),
    Format("git-lfs", "a pointer of Git LFS, not the file", way="fetch it with `git lfs pull`"),
    Format("html", "a web page, as a download gives that needs a login", way=(
        "download the file itself, and look at it with `file {path}`")),
    Format("zip", "a zip archive", way="unpack it and name the model in it{inside}"),
    Format("gzip", "a file packed by gzip", way="unpack it with `gunzip {path}`{inside}"),
    Format("tar", "a tar archive", way="unpack it with `tar xf {path}` and name the model in it"),
    Format("empty", "an empty file", way="save or download it again"),
    Format("folder", "a folder without a model that is known", is_folder=True, way=(
        "name the model's file in it; known are SavedModel, MLflow and Hugging Face folders")),
    Format("unknown", "a file of no known format", way=(
        "is it whole? an ONNX file comes from the framework's own exporter; `modelctl package` "
        "takes {known}")),
)  # fmt: skip


def recognise(path: Path) -> Format:
    """The format of a file or a folder.

    Raises:
        OSError: It cannot be read, or is neither a file nor a folder.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        name, inside = folders.name_of(path)
    elif stat.S_ISREG(mode):
        name, inside = _of_file(path)
    else:
        raise OSError(0, "is neither a file nor a folder")
    return FORMATS[name].at(path, inside=inside, known=_known(FORMATS.values()))


def _of_file(path: Path) -> tuple[str, str]:
    with path.open("rb") as file:
        head = file.read(heads.LENGTH)
    if head.startswith(b"PK\x03\x04"):
        return archives.name_of_zip(path)
    if head.startswith(b"\x1f\x8b"):
        return archives.name_of_gzip(path)
    return heads.name_of(head, path), ""


def _known(formats: Iterable[Format]) -> str:
    """The formats that something here makes ONNX of."""
    return ", ".join(each.name for each in formats if each.converter)
