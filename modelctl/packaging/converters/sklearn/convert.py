"""A fitted scikit-learn estimator or pipeline, by skl2onnx.

A `.skops` file runs no code; a pickle or joblib file runs what it likes, so it wants trust.
Options: `target_opset`.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from conversion import Refused, environment, given, plain_names, save, with_edges, without_edges
from sklearn_rows import Array, Arrays, Estimator, columns_by_name, parts, rows, vocabulary

_OPSETS = {"": 21, "ai.onnx.ml": 3}
_VERSIONS = ("scikit-learn", "skl2onnx", "onnx", "numpy", "pandas", "joblib", "skops")
_SHOWN = 160  # characters of another library's words
_REMEDIES = {
    "HistGradientBoosting": (
        "train GradientBoostingRegressor or GradientBoostingClassifier instead, or LightGBM or "
        "XGBoost, which have converters of their own"
    ),
    "AdaBoostClassifier": "train it with whole numbers or text as labels, as in y.astype(int)",
    "SimpleImputer": "fill gaps in text before the request; in numbers they are filled here",
}
_ELSEWHERE = ("xgboost", "lightgbm", "catboost", "keras", "tensorflow", "torch")
# How the original gives what an output of skl2onnx holds.
_WAYS: Mapping[str, Sequence[str]] = {
    "label": ("predict",),
    "output_label": ("predict",),
    "probabilities": ("predict_proba",),
    "output_probability": ("predict_proba",),
    "scores": ("transform", "decision_function"),
    "variable": ("predict", "transform"),
}


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    """The model of a fitted estimator."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = _read(Path(request["source"]), trust=request["trust"])
    _refuse_others(model)
    columns = columns_by_name(model)
    samples = with_edges(rows(model, columns, given(request)))
    graph = _converted(model, samples, request["options"])
    notes = [*_versions_differ(caught), *_without_scores(model, graph)]
    try:
        expected = _expected(model, columns, samples, graph)
    except ValueError:  # such as a category that was not there in training
        samples = without_edges(samples)
        expected = _expected(model, columns, samples, graph)
    if columns is None and hasattr(model, "feature_names_in_"):
        notes.append(f"X has these columns: {', '.join(map(str, model.feature_names_in_))}")
    names = plain_names(list(samples))
    _rename_inputs(graph, names)
    _use_a_locale_that_is_there(graph)
    named = {names[name]: values for name, values in samples.items()}
    save(request, graph.SerializeToString(deterministic=True), named, expected)
    return {"environment": environment(*_VERSIONS), "notes": notes}


def _read(path: Path, *, trust: bool) -> Estimator:
    try:
        return _skops(path, trust=trust) if path.suffix == ".skops" else _pickled(path, trust=trust)
    except ModuleNotFoundError as error:
        raise Refused(
            f"found an object of the module {error.name}, which {sys.executable} has not",
            "name the interpreter that it was trained with: --python PATH",
        ) from error
    except AttributeError as error:
        raise Refused(
            f"found an object that {sys.executable} does not know ({error})",
            "put classes and functions of your own into a module that can be imported, train "
            "again, and name the interpreter that has it: --python PATH",
        ) from error
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError) as error:
        raise Refused(
            f"found a file that cannot be read ({type(error).__name__}: {error})"[:_SHOWN],
            "save the fitted estimator again, with joblib.dump or skops.io.dump",
        ) from error


def _pickled(path: Path, *, trust: bool) -> Estimator:
    if not trust:
        raise Refused(
            "found a pickle, which runs code of whoever made it",
            "add --trust if you know who that was, or save it with skops.io.dump, which runs none",
        )
    try:
        import joblib
    except ModuleNotFoundError:
        with path.open("rb") as file:
            return pickle.load(file)
    return joblib.load(path)  # reads plain pickles as well


def _skops(path: Path, *, trust: bool) -> Estimator:
    import skops.io

    unknown = skops.io.get_untrusted_types(file=path)
    if unknown and not trust:
        raise Refused(
            f"found the types {', '.join(unknown)}, which skops does not know as harmless",
            "add --trust if you know who made the file",
        )
    return skops.io.load(path, trusted=unknown)


def _versions_differ(caught: Iterable[warnings.WarningMessage]) -> list[str]:
    """A note where the file was written by another version of scikit-learn."""
    for warning in caught:
        old = getattr(warning.message, "original_sklearn_version", None)
        if old:
            now = getattr(warning.message, "current_sklearn_version", "another")
            note = (
                f"trained with scikit-learn {old}, converted with {now}: answers may differ; "
                "--python PATH converts with the interpreter that it was trained with"
            )
            return [note]
    return []


def _refuse_others(model: Estimator) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    module = type(model).__module__.partition(".")[0]
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    if module in _ELSEWHERE:
        remedy = f"save it in {module}'s own format, which has a converter of its own"
        raise Refused(f"found a {kind}", remedy)
    if not hasattr(model, "predict") and not hasattr(model, "transform"):
        raise Refused(
            f"found a {kind}, which has neither predict nor transform",
            "save the fitted estimator or pipeline itself",
        )
    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise Refused(f"found a {kind} that is not fitted", "fit it, then save it") from error
    except TypeError:
        pass  # not of scikit-learn's own base class: skl2onnx decides


def _converted(model: Estimator, samples: Arrays, options: Mapping[str, Any]) -> Any:
    try:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    except ModuleNotFoundError as error:
        raise Refused(
            f"found no {error.name} in {sys.executable}",
            "install it there (pip install skl2onnx), or leave --python out: an environment of "
            "its own is made",
        ) from error
    kinds = {"f": FloatTensorType, "U": StringTensorType}
    types = [
        (name, kinds[values.dtype.kind]([None, values.shape[1]]))
        for name, values in samples.items()
    ]
    opset = {**_OPSETS, "": int(options.get("target_opset", _OPSETS[""]))}
    for part in parts(model):
        if hasattr(part, "flatten_transform"):
            part.flatten_transform = False  # of `transform` alone; the converter wants it so
    settings = {"initial_types": types, "target_opset": opset, "name": "model"}
    try:
        if hasattr(model, "classes_"):
            # Else probabilities are a list of maps; some classifiers give none and know no option.
            with suppress(NameError):
                return to_onnx(model, options={"zipmap": False}, **settings)
        return to_onnx(model, **settings)
    except Exception as error:
        raise _unconvertible(model, error) from error


def _unconvertible(model: Estimator, error: Exception) -> Refused:
    """The refusal in skl2onnx's words, with the part that it cannot convert where that is known."""
    names = list(dict.fromkeys(type(one).__name__ for one in parts(model)))
    words = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
    for prefix, remedy in _REMEDIES.items():
        known = next((name for name in names if name.startswith(prefix)), None)
        if known:
            return Refused(f"found {known}, which skl2onnx cannot convert ({words})", remedy)
    return Refused(
        f"found {', '.join(names)}, some of which skl2onnx cannot convert ({words})",
        "use estimators of its list (https://onnx.ai/sklearn-onnx/supported.html), or do that "
        "step before the request",
    )


def _without_scores(model: Estimator, graph: Any) -> list[str]:
    """Drop what is no table of a probability a class; gives a note.

    Some classifiers give margins in its place, those of several labels a table for each.
    """
    classes = getattr(model, "classes_", None)
    has_one = hasattr(model, "predict_proba") and not isinstance(classes, list)
    if classes is None or has_one:
        return []
    outputs = graph.graph.output
    left = [one for one in outputs if "probabilit" in one.name]
    for one in left:
        outputs.remove(one)
    return [f"{one.name} is left out: the estimator has no table of probabilities" for one in left]


def _rename_inputs(graph: Any, names: Mapping[str, str]) -> None:
    """Give the inputs plain names: the converter looks for columns under their own."""
    for value in graph.graph.input:
        value.name = names.get(value.name, value.name)
    for node in graph.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]


def _use_a_locale_that_is_there(graph: Any) -> None:
    """Lower-case text by rules that every image has: en_US, the default, is missing in most."""
    from onnx import helper

    for node in graph.graph.node:
        if node.op_type == "StringNormalizer":
            kept = [each for each in node.attribute if each.name != "locale"]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute("locale", "C.UTF-8")])


def _expected(
    model: Estimator, columns: Sequence[str] | None, samples: Arrays, graph: Any
) -> Arrays:
    """What the estimator makes of the rows, by the names that skl2onnx gave."""
    values = samples["X"] if columns is None else _frame(columns, samples)
    if vocabulary(model) is not None:
        values = values[:, 0]  # documents are no matrix there
    if columns is None and values.dtype.kind == "f":
        values = values.astype(np.float64)  # as it was trained
    found = {}
    for output in graph.graph.output:
        ways = _WAYS.get(output.name, ("transform",))
        way = next((one for one in ways if hasattr(model, one)), None)
        if way is None:
            raise Refused(
                f"found the output {output.name}, which the original does not give",
                "it cannot be compared; export the model to ONNX yourself",
            )
        rank = len(output.type.tensor_type.shape.dim)
        found[output.name] = _as_output(getattr(model, way)(values), rank)
    return found


def _as_output(answer: Any, rank: int) -> Array:
    values: Array = answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)
    if values.dtype.kind in "OUS":
        values = values.astype(str)
    else:
        values = values.astype(np.int64 if values.dtype.kind in "biu" else np.float32)
    return values.reshape(-1) if rank == 1 else values.reshape(len(values), -1)


def _frame(columns: Sequence[str], samples: Arrays) -> Any:
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise Refused(
            f"found a pipeline that chooses columns by name, and no pandas in {sys.executable}",
            "install it there, or leave --python out: an environment of its own is made",
        ) from error
    return pd.DataFrame({name: samples[name][:, 0] for name in columns})
