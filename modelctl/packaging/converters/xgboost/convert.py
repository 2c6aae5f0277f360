"""XGBoost's models: JSON and UBJSON files, or a pickle that is trusted, by way of onnxmltools.

The input is `X`; a classifier gives `label` and `probabilities`, any other model `variable`.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from conversion import Refused, environment, given, normal, save, with_edges

Array = np.ndarray[Any, Any]

_VERSIONS = ("xgboost", "xgboost-cpu", "onnxmltools", "onnx", "numpy")
_SHOWN = 400  # characters of another program's words
_OPSET = 15  # the newest that onnxmltools writes
_MATRIX = 2  # dimensions
# What onnxmltools would convert, and answer otherwise than the original.
_OTHERWISE = {
    "survival:cox": "a risk, whose exponential would be missing",
    "survival:aft": "a time, whose exponential would be missing",
    "binary:logitraw": "scores before the sigmoid",
    "binary:hinge": "labels without probabilities",
    "reg:logistic": "a share, whose sigmoid would be missing",
}
_RETRAIN = "train it with another objective, such as binary:logistic, or export it to ONNX yourself"


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    """The model of an XGBoost file."""
    path = Path(request["source"])
    is_pickle = _is_pickle(path, trust=request["trust"])
    import xgboost

    model = _read(xgboost, path, is_pickle=is_pickle)
    classes = getattr(model, "classes_", None) if hasattr(model, "get_booster") else None
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    config = json.loads(booster.save_config())["learner"]
    booster, notes = _best(booster)
    _refuse_others(config)
    columns = booster.feature_names
    if columns:
        notes.append(f"X has these columns: {', '.join(columns)}")
        booster.feature_names = None  # onnxmltools knows columns by number alone
        booster.feature_types = None
    objective = config["objective"]["name"]
    if objective == "multi:softmax":
        booster.set_param({"objective": "multi:softprob"})  # the same trees, with probabilities
    rows = with_edges({"X": _rows(given(request), booster.num_features())})["X"]
    # What is missing goes its own way through a tree.
    rows = np.concatenate([rows, np.full_like(rows[:1], np.nan)])
    expected = _expected(objective, booster.predict(xgboost.DMatrix(rows)), classes)
    if objective.startswith("rank:"):
        booster.set_param({"objective": "reg:squarederror"})  # scores are sums of leaves in both
    graph = _converted(booster, rows.shape[1], request["options"])
    _label(graph, classes)
    save(request, graph.SerializeToString(deterministic=True), {"X": rows}, expected)
    return {"environment": environment(*_VERSIONS), "notes": notes}


def _is_pickle(path: Path, *, trust: bool) -> bool:
    with path.open("rb") as file:
        found = file.read(1) == b"\x80"
    if found and not trust:
        raise Refused(
            "found a pickle, which runs code of whoever made it",
            "save it with model.save_model('model.json'), or add --trust if you know who that was",
        )
    return found


def _read(xgboost: Any, path: Path, *, is_pickle: bool) -> Any:
    try:
        if is_pickle:
            return _pickled(path)
        # A file whose name has no ending that XGBoost knows is still read by its content.
        return xgboost.Booster(model_file=bytearray(path.read_bytes()))
    except (xgboost.core.XGBoostError, pickle.UnpicklingError, EOFError, ValueError) as error:
        words = " ".join(str(error).split())[:_SHOWN]
        raise Refused(
            f"found a file that XGBoost cannot read ({words})",
            "save it again with model.save_model('model.json')",
        ) from error


def _pickled(path: Path) -> Any:
    with path.open("rb") as file:
        model = pickle.load(file)
    if not hasattr(model, "get_booster") and not hasattr(model, "save_config"):
        raise Refused(
            f"found a {type(model).__module__}.{type(model).__qualname__}",
            "pickle the model itself, or save it with model.save_model('model.json')",
        )
    return model


def _best(booster: Any) -> tuple[Any, list[str]]:
    """The trees that its own estimators would use: those up to the best round, if there is one."""
    best = booster.attr("best_iteration")
    if best is None:
        return booster, []
    rounds = int(best) + 1
    if rounds >= booster.num_boosted_rounds():
        return booster, []
    short = booster[:rounds]
    short.set_attr(best_iteration=None, best_score=None)
    short.feature_names = booster.feature_names
    return short, [f"the {rounds} rounds up to the best one are used, as its estimators do"]


def _refuse_others(config: Mapping[str, Any]) -> None:
    booster, objective = config["gradient_booster"]["name"], config["objective"]["name"]
    if booster != "gbtree":
        raise Refused(
            f"found the booster {booster}", "train it with booster='gbtree': others are not trees"
        )
    targets = int(config["learner_model_param"].get("num_target", 1))
    if targets > 1:
        raise Refused(f"found {targets} targets, expected one", "train a model for each target")
    if objective in _OTHERWISE:
        raise Refused(
            f"found the objective {objective}, which gives {_OTHERWISE[objective]}", _RETRAIN
        )


def _rows(samples: Mapping[str, Array] | None, width: int) -> Array:
    if samples is None:
        return np.asarray(normal((width,)))
    found = samples.get("X", next(iter(samples.values())))
    if found.ndim != _MATRIX or found.shape[1] != width:
        raise Refused(
            f"found samples of shape {list(found.shape)}", f"give the array X with {width} columns"
        )
    return found.astype(np.float32)


def _converted(booster: Any, width: int, options: Mapping[str, Any]) -> Any:
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    opset = int(options.get("target_opset", _OPSET))
    types = [("X", FloatTensorType([None, width]))]
    try:
        return convert_xgboost(booster, name="model", initial_types=types, target_opset=opset)
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
        raise Refused(
            f"found a model that onnxmltools cannot convert ({words})", _RETRAIN
        ) from error


def _expected(objective: str, values: Array, classes: Any) -> dict[str, Array]:
    """What the original gave, as a classifier's label and probabilities or as it is."""
    if objective.startswith("multi:"):
        return {"label": _named(values.argmax(axis=1), classes), "probabilities": values}
    if objective == "binary:logistic":
        both = np.stack([1 - values, values], axis=1).astype(np.float32)
        labels = (values > 0.5).astype(np.int64)  # noqa: PLR2004 - the threshold of two classes
        return {"label": _named(labels, classes), "probabilities": both}
    return {"variable": values.reshape(-1, 1)}


def _named(labels: Array, classes: Any) -> Array:
    found = labels if classes is None else np.asarray(classes)[labels]
    return found.astype(np.int64) if found.dtype.kind in "biuf" else found.astype(str)


def _label(graph: Any, classes: Any) -> None:
    """Give a classifier the labels that its estimator was trained with."""
    if classes is None:
        return
    for node in graph.graph.node:
        for attribute in node.attribute:
            if attribute.name == "classlabels_int64s":
                attribute.ints[:] = [int(one) for one in classes]
