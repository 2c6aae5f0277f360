"""LightGBM's models: text files, or a pickle that is trusted, by way of onnxmltools.

The input is `X`; a classifier gives `label` and `probabilities`, any other model `variable`.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from conversion import Refused, environment, given, normal, save, with_edges

Array = np.ndarray[Any, Any]

_VERSIONS = ("lightgbm", "onnxmltools", "onnx", "numpy")
_SHOWN = 400  # characters of another program's words
_OPSET = 15  # the newest that onnxmltools writes
_MATRIX = 2  # dimensions
_RETRAIN = (
    "train it with one of regression, regression_l1, huber, quantile, poisson, gamma, tweedie, "
    "binary, multiclass, lambdarank, or export it to ONNX yourself"
)


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    """The model of a LightGBM file."""
    path = Path(request["source"])
    is_pickle = _is_pickle(path, trust=request["trust"])
    import lightgbm

    model = _read(lightgbm, path, is_pickle=is_pickle)
    classes = getattr(model, "classes_", None) if hasattr(model, "booster_") else None
    booster = getattr(model, "booster_", model)
    structure = booster.dump_model(num_iteration=1)
    objective = str(structure.get("objective", "")).split(" ")[0]
    _refuse_others(structure, objective)
    rows = with_edges({"X": _rows(given(request), booster.num_feature())})["X"]
    categories = _categories(booster)
    for column in categories:
        rows[:, column] = np.abs(np.rint(rows[:, column]))  # of others LightGBM takes a part alone
    # What is missing goes its own way through a tree.
    rows = np.concatenate([rows, np.full_like(rows[:1], np.nan)])
    expected = _expected(objective, booster.predict(rows.astype(np.float64)), classes)
    graph = _converted(booster, rows.shape[1], request["options"])
    _name_outputs(graph.graph, expected, classes)
    save(request, graph.SerializeToString(deterministic=True), {"X": rows}, expected)
    names = booster.feature_name()
    own = [] if names[0].startswith("Column_") else names
    notes = [f"X has these columns: {', '.join(own)}"] if own else []
    if categories:
        notes.append(f"columns {categories} hold categories: callers send whole numbers there")
    return {"environment": environment(*_VERSIONS), "notes": notes}


def _is_pickle(path: Path, *, trust: bool) -> bool:
    with path.open("rb") as file:
        found = file.read(1) == b"\x80"
    if found and not trust:
        raise Refused(
            "found a pickle, which runs code of whoever made it",
            "save it with model.booster_.save_model('model.txt'), or add --trust if you know who "
            "that was",
        )
    return found


def _read(lightgbm: Any, path: Path, *, is_pickle: bool) -> Any:
    try:
        if is_pickle:
            return _pickled(path)
        return lightgbm.Booster(model_str=path.read_text("utf-8"))
    except (lightgbm.basic.LightGBMError, pickle.UnpicklingError, EOFError, ValueError) as error:
        words = " ".join(str(error).split())[:_SHOWN]
        raise Refused(
            f"found a file that LightGBM cannot read ({words})",
            "save it again with booster.save_model('model.txt')",
        ) from error


def _pickled(path: Path) -> Any:
    with path.open("rb") as file:
        model = pickle.load(file)
    if not hasattr(model, "booster_") and not hasattr(model, "dump_model"):
        raise Refused(
            f"found a {type(model).__module__}.{type(model).__qualname__}",
            "pickle the model itself, or save it with booster.save_model('model.txt')",
        )
    return model


def _refuse_others(structure: Mapping[str, Any], objective: str) -> None:
    if not objective or objective == "custom":
        raise Refused("found a model with an objective of your own", _RETRAIN)
    if objective == "multiclassova":
        raise Refused("found the objective multiclassova, whose shares are of each class", _RETRAIN)
    if any("leaf_coeff" in str(tree)[:100_000] for tree in structure["tree_info"]):
        raise Refused("found linear trees", "train it without linear_tree")


def _categories(booster: Any) -> list[int]:
    """The numbers of the columns that hold categories."""
    infos = booster.dump_model(num_iteration=1).get("feature_infos", {})
    names = booster.feature_name()
    return [names.index(name) for name, info in infos.items() if info.get("values")]


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
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    opset = int(options.get("target_opset", _OPSET))
    settings = {
        "name": "model",
        "initial_types": [("X", FloatTensorType([None, width]))],
        "target_opset": opset,
        "zipmap": False,  # else probabilities are a list of maps
    }
    try:
        return convert_lightgbm(booster, **settings)
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
        raise Refused(
            f"found a model that onnxmltools cannot convert ({words})", _RETRAIN
        ) from error


def _expected(objective: str, values: Array, classes: Any) -> dict[str, Array]:
    if objective.startswith("multiclass"):
        labels = values.argmax(axis=1)
        return {"label": _named(labels, classes), "probabilities": values.astype(np.float32)}
    if objective == "binary":
        both = np.stack([1 - values, values], axis=1).astype(np.float32)
        labels = (values > 0.5).astype(np.int64)  # noqa: PLR2004 - the threshold of two classes
        return {"label": _named(labels, classes), "probabilities": both}
    return {"variable": values.astype(np.float32).reshape(-1, 1)}


def _named(labels: Array, classes: Any) -> Array:
    found = labels if classes is None else np.asarray(classes)[labels]
    return found.astype(np.int64) if found.dtype.kind in "biuf" else found.astype(str)


def _name_outputs(graph: Any, expected: Mapping[str, Array], classes: Any) -> None:
    """Give outputs short names and open sizes: onnxmltools declares one label, whatever comes."""
    new = dict(zip([output.name for output in graph.output], expected, strict=True))
    for output in graph.output:
        output.name = new[output.name]
        sizes = output.type.tensor_type.shape
        rank = expected[output.name].ndim
        width = [expected[output.name].shape[1]] if rank == _MATRIX else []
        del sizes.dim[:]
        sizes.dim.add().dim_param = "batch"
        for size in width:
            sizes.dim.add().dim_value = size
    for node in graph.node:
        for ends in (node.input, node.output):
            for index, name in enumerate(ends):
                ends[index] = new.get(name, name)
        for attribute in node.attribute:
            if attribute.name == "classlabels_int64s" and classes is not None:
                attribute.ints[:] = [int(one) for one in classes]
