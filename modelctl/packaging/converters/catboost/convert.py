"""CatBoost's models (.cbm), by CatBoost's own way to ONNX.

The input is `features`; a classifier gives `label` and `probabilities`, any other `predictions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from conversion import Refused, environment, given, normal, save, with_edges

Array = np.ndarray[Any, Any]

_VERSIONS = ("catboost", "onnx", "numpy")
_SHOWN = 400  # characters of another program's words
_MATRIX = 2  # dimensions
_OTHERWISE = {
    "MultiClassOneVsAll": "shares that do not sum to one, which the export makes them do",
    "MultiRMSE": "several targets, which the export writes apart",
    "MultiRMSEWithMissingValues": "several targets, which the export writes apart",
}
_RETRAIN = "train it with MultiClass, or a model for each target"


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    """The model of a CatBoost file."""
    import catboost

    path = Path(request["source"])
    plain = _loaded(catboost, path, catboost.CatBoost)
    _refuse_others(plain)
    is_classifier = len(np.asarray(plain.classes_)) > 1
    model = _loaded(catboost, path, catboost.CatBoostClassifier) if is_classifier else plain
    width = len(plain.feature_names_)
    rows = with_edges({"features": _rows(given(request), width)})
    graph = _exported(model)
    expected = _expected(model, rows["features"], is_classifier=is_classifier)
    _tensors_alone(graph.graph, expected)
    save(request, graph.SerializeToString(deterministic=True), rows, expected)
    names = [str(name) for name in plain.feature_names_]
    own = names != [str(number) for number in range(width)]
    notes = [f"features has these columns: {', '.join(names)}"] if own else []
    return {"environment": environment(*_VERSIONS), "notes": notes}


def _loaded(catboost: Any, path: Path, kind: Any) -> Any:
    model = kind()
    try:
        model.load_model(str(path), format="cbm")
    except (catboost.CatBoostError, ValueError) as error:
        words = " ".join(str(error).split())[:_SHOWN]
        raise Refused(
            f"found a file that CatBoost cannot read ({words})",
            "save it again with model.save_model('model.cbm')",
        ) from error
    return model


def _refuse_others(model: Any) -> None:
    loss = str(model.get_all_params().get("loss_function", "")).partition(":")[0]
    if loss in _OTHERWISE:
        raise Refused(f"found the loss {loss}, which has {_OTHERWISE[loss]}", _RETRAIN)
    kinds = {
        "categories": model.get_cat_feature_indices(),
        "text": model.get_text_feature_indices(),
        "embeddings": model.get_embedding_feature_indices(),
    }
    found = {kind: columns for kind, columns in kinds.items() if columns}
    if found:
        where = "; ".join(f"{kind} in columns {columns}" for kind, columns in found.items())
        raise Refused(
            f"found {where}, which CatBoost exports to no ONNX file",
            "turn them into numbers before (one-hot, or a target encoding), train again, and join "
            "that step to the graph or leave it to the caller",
        )


def _rows(samples: Mapping[str, Array] | None, width: int) -> Array:
    if samples is None:
        return np.asarray(normal((width,)))
    found = samples.get("features", next(iter(samples.values())))
    if found.ndim != _MATRIX or found.shape[1] != width:
        raise Refused(
            f"found samples of shape {list(found.shape)}",
            f"give the array features with {width} columns",
        )
    return found.astype(np.float32)


def _exported(model: Any) -> Any:
    import catboost
    import onnx

    target = Path.cwd() / "catboost.onnx"
    try:
        model.save_model(str(target), format="onnx", export_parameters={"onnx_graph_name": "model"})
    except catboost.CatBoostError as error:
        words = " ".join(str(error).split())[:_SHOWN]
        raise Refused(
            f"found a model that CatBoost exports to no ONNX file ({words})",
            "train it with symmetric trees, numbers alone and one target",
        ) from error
    return onnx.load(target)


def _expected(model: Any, rows: Array, *, is_classifier: bool) -> dict[str, Array]:
    if not is_classifier:
        values = np.asarray(model.predict(rows), dtype=np.float32)
        return {"predictions": values.reshape(len(rows), -1)}
    probabilities = np.asarray(model.predict_proba(rows), dtype=np.float32)
    classes = np.asarray(model.classes_)
    labels = classes[probabilities.argmax(axis=1)]
    labels = labels.astype(np.int64) if labels.dtype.kind in "biuf" else labels.astype(str)
    return {"label": labels, "probabilities": probabilities}


def _tensors_alone(graph: Any, expected: Mapping[str, Array]) -> None:
    """Leave the maps of probabilities out: the tensor that they are made of is the output."""
    from onnx import TensorProto, helper

    for node in [each for each in graph.node if each.op_type == "ZipMap"]:
        inner = node.input[0]
        graph.node.remove(node)
        for each in graph.node:
            each.output[:] = ["probabilities" if one == inner else one for one in each.output]
    kinds = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "U": TensorProto.STRING}
    outputs = [
        helper.make_tensor_value_info(name, kinds[values.dtype.kind], ["batch", *values.shape[1:]])
        for name, values in expected.items()
    ]
    old = [output.name for output in graph.output]
    for name, wanted in zip(old, expected, strict=True):
        for node in graph.node:
            node.output[:] = [wanted if one == name else one for one in node.output]
    del graph.output[:]
    graph.output.extend(outputs)
