"""The bytes of an artifact, where this machine can read them."""

from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

from modelctl.errors import UsageError
from modelctl.importing.found import Found
from modelctl.model.graph import MAX_GRAPH_BYTES

_TIMEOUT_S = 60  # of a connection that says nothing
# By the platform's word for a format, the framework whose files `modelctl package` takes.
_OTHER_FORMATS = {
    "sklearn": "scikit-learn",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "catboost": "CatBoost",
    "tensorflow": "TensorFlow",
    "tensorflow_savedmodel": "TensorFlow",
    "keras": "Keras",
    "pytorch": "PyTorch",
    "pytorch_libtorch": "PyTorch",
    "mlflow": "MLflow",
}
_NOT_SERVED = {
    "python": "Python code, which is not run here",
    "triton": "a model repository of Triton: import the config.pbtxt of one of its models",
    "tensorrt_plan": "an engine of TensorRT for one kind of GPU: release the ONNX file that it "
    "was built from, with `--artifact FILE`; the server builds the engine by itself",
    "huggingface": "a Hugging Face folder: export it as ONNX, and give that as `--artifact FILE`",
    "vllm": "a language model, which is not served here",
    "pmml": "PMML: export the model as ONNX, and give that as `--artifact FILE`",
}


def refuse_other_format(found: Found) -> None:
    """Return if the artifact is an ONNX file, or may be one.

    Raises:
        UsageError: It is of another format; the message has the way to ONNX.
    """
    if found.is_onnx or not found.kind:
        return
    place = found.path or found.uri or "FILE"
    if found.kind in _NOT_SERVED:
        raise UsageError(f"{place}: found {_NOT_SERVED[found.kind]}")
    framework = _OTHER_FORMATS.get(found.kind, found.kind)
    brought = " of what `mlflow artifacts download` brings" if found.platform == "MLflow" else ""
    raise UsageError(
        f"{place}: found a model of {framework}, expected an ONNX file: make one by "
        f"`modelctl package {found.path or 'FILE'} --out DIR`{brought}, or export it yourself, and "
        "give it as --artifact FILE; all else is taken from here"
    )


def artifact(found: Found) -> Path | bytes | None:
    """The artifact's file or bytes; None where they are somewhere that is not read from here.

    Raises:
        UsageError: They ought to be in reach and are not, or are too many.
    """
    if found.path is not None:
        return found.path
    place = urlsplit(found.uri or "")
    if place.scheme == "file":
        return Path(unquote(place.path))
    if place.scheme in ("http", "https") and place.path.endswith(".onnx"):
        return _downloaded(str(found.uri))
    return None


def _downloaded(uri: str) -> bytes:
    try:
        with urlopen(uri, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http or https alone
            found: bytes = answer.read(MAX_GRAPH_BYTES + 1)
    except (URLError, OSError) as error:
        why = getattr(error, "reason", None) or error
        raise UsageError(f"{uri} cannot be read: {why}: give a copy as --artifact FILE") from error
    if len(found) > MAX_GRAPH_BYTES:
        raise UsageError(f"{uri}: found more than {MAX_GRAPH_BYTES} bytes, expected less")
    return found
