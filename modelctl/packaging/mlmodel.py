"""The file MLmodel of an MLflow model folder: flavours, and which one can become ONNX.

Source: https://mlflow.org/docs/latest/ml/model (storage format).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modelctl.errors import UsageError

NAME = "MLmodel"
GENERIC = "python_function"  # every flavour has it beside its own; alone it is code
# By flavour, where it names the model's file, relative to the folder.
_DATA = {
    "onnx": ("data",),
    "sklearn": ("pickled_model", "model_path"),
    "xgboost": ("data",),
    "lightgbm": ("data",),
    "catboost": ("data",),
    "keras": ("data",),
    "tensorflow": ("data", "saved_model_dir"),
    "pytorch": ("model_data",),
}
_BY_DEFAULT = {
    "onnx": "model.onnx",
    "sklearn": "model.pkl",
    "xgboost": "model.xgb",
    "lightgbm": "model.lgb",
    "catboost": "model.cb",
    "keras": "data",
    "tensorflow": "data",
    "pytorch": "data",
}


@dataclass(frozen=True, slots=True)
class MlModel:
    """What an MLmodel file says: the flavour that is used, its file, the signature's two sides."""

    kind: str
    data: str
    flavours: tuple[str, ...]
    signature: Mapping[str, str]


def read(content: bytes, where: str) -> MlModel:
    """What an MLmodel file says; `kind` is empty where no flavour can become ONNX.

    Raises:
        UsageError: It is no such file.
    """
    try:
        value: Any = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{where} is no YAML: {str(error).splitlines()[0]}") from error
    flavours = value.get("flavors") if isinstance(value, dict) else None
    if not isinstance(flavours, dict) or not flavours:
        raise UsageError(f"{where}: found no flavors, expected what MLflow writes")
    kind = next((each for each in _DATA if each in flavours), "")
    own = flavours.get(kind) or {}
    named = (own.get(field) for field in _DATA.get(kind, ()))
    data = next((str(each) for each in named if each), _BY_DEFAULT.get(kind, ""))
    signature = value.get("signature")
    return MlModel(
        kind,
        data,
        tuple(map(str, flavours)),
        {k: v for k, v in signature.items() if isinstance(v, str)}
        if isinstance(signature, dict)
        else {},
    )


def inside(folder: Path) -> tuple[Path, str]:
    """The model's own file in an MLflow folder, and the flavour that it is of.

    Raises:
        UsageError: No flavour can become ONNX, or its file is not there.
    """
    place = folder / NAME
    try:
        found = read(place.read_bytes(), str(place))
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}") from error
    if not found.kind:
        names = ", ".join(found.flavours)
        raise UsageError(
            f"{folder}: found the flavour {names}, expected one of {', '.join(_DATA)}: "
            f"{_ways(found.flavours)}"
        )
    model = folder / found.data
    if found.kind == "keras" and model.is_dir():
        model /= "model.keras"
    if found.kind == "pytorch" and model.is_dir():
        model = next((one for one in sorted(model.glob("model.*"))), model)
    if not model.exists():
        raise UsageError(f"{folder}: found no {found.data}, which {NAME} names: download it whole")
    return model, found.kind


def _ways(flavours: tuple[str, ...]) -> str:
    if flavours == (GENERIC,):
        return (
            "python_function alone is code of your own: package the model that it loads, and join "
            "what it does before and after as graphs with --before and --after"
        )
    return "log the model with one of these flavours too, or export it to ONNX from its framework"
