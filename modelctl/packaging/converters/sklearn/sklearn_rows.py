"""Rows for a fitted estimator: those given, or made up from what it learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from conversion import Refused, chosen, normal, plain_names

Estimator = Any  # whatever has fit and predict
Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]

_MATRIX = 2  # dimensions
_WORDS = 6  # of a made-up document


def parts(model: Estimator) -> Iterator[Estimator]:
    """The estimator and all that are inside it."""
    yield model
    inside = [
        *(one for _, one in getattr(model, "steps", ()) or ()),
        *(one for _, one, *_ in getattr(model, "transformers_", ()) or ()),
        *(one for _, one in getattr(model, "transformer_list", ()) or ()),
        *(getattr(model, name, None) for name in ("estimator_", "best_estimator_", "estimator")),
    ]
    for one in inside:
        if hasattr(one, "get_params") and not isinstance(one, type):
            yield from parts(one)


def columns_by_name(model: Estimator) -> list[str] | None:
    """The names of the columns where some part chooses by name; else None: one matrix is enough."""
    names = getattr(model, "feature_names_in_", None)
    if names is None or not any(map(_chooses_by_name, parts(model))):
        return None
    return [str(name) for name in names]


def _chooses_by_name(part: Estimator) -> bool:
    return any(
        isinstance(one, str)
        for _, _, columns in getattr(part, "transformers_", ()) or ()
        for one in ([columns] if isinstance(columns, str) else _listed(columns))
    )


def _listed(columns: object) -> Sequence[object]:
    if isinstance(columns, (list, tuple)):
        return columns
    return list(columns) if isinstance(columns, np.ndarray) else []


def rows(model: Estimator, columns: Sequence[str] | None, samples: Arrays | None) -> Arrays:
    """Rows by input name: `X`, or each column."""
    if columns is not None:
        return _table(model, columns, samples)
    width = getattr(model, "n_features_in_", None)
    words = vocabulary(model)
    if words is not None:
        return {"X": _documents(words, samples)}
    if samples is not None:
        return {"X": _given(samples, width)}
    if width is None:
        raise Refused(
            "found an estimator that does not say how many features it takes",
            "give rows of them: --samples FILE.npz with the array X",
        )
    categories = _categories(model)
    if any(map(_is_text, categories.values())):
        return {"X": _text(categories, width)}
    matrix = normal((width,)) * _learned(model, "scale_", width, 1.0)
    matrix += _learned(model, "mean_", width, 0.0)
    for number, values in categories.items():
        if isinstance(number, (int, np.integer)):
            matrix[:, number] = chosen(values, seed=int(number))
    return {"X": matrix.astype(np.float32)}


def vocabulary(model: Estimator) -> list[str] | None:
    """The words of a model that begins with a vectorizer of documents, None of any other."""
    steps = getattr(model, "steps", None)
    words = getattr(steps[0][1] if steps else model, "vocabulary_", None)
    return sorted(words) if isinstance(words, dict) else None


def _documents(words: Sequence[str], samples: Arrays | None) -> Array:
    """Documents, one a row: those given, or some of the words in an order of chance."""
    if samples is not None:
        return np.asarray(next(iter(samples.values()))).astype(str).reshape(-1, 1)
    columns = [chosen(words, seed=number).astype(str) for number in range(_WORDS)]
    return np.array([[" ".join(row)] for row in zip(*columns, strict=True)])


def _given(samples: Arrays, width: int | None) -> Array:
    found = samples.get("X", samples.get("x", next(iter(samples.values()))))
    if found.ndim != _MATRIX or width not in (None, found.shape[1]):
        raise Refused(
            f"found samples of shape {list(found.shape)}",
            f"give the array X with {width or 'its'} columns",
        )
    return found.astype(str if _is_text(found) else np.float32)


def _is_text(values: object) -> bool:
    return np.asarray(values).dtype.kind in "OUS"


def _categories(model: Estimator) -> dict[Any, Array]:
    """What encoders learned, by name or number of the column that they encode."""
    found: dict[Any, Array] = {}
    for part in parts(model):
        for _, inner, columns in getattr(part, "transformers_", ()) or ():
            for lists in _encoded(inner):
                found.update(zip(_listed(columns), lists, strict=False))
    steps = getattr(model, "steps", None)
    for lists in _encoded(steps[0][1] if steps else model):
        found.update(enumerate(lists))
    return found


def _encoded(model: Estimator) -> Iterator[Sequence[Array]]:
    """The categories of the columns of an encoder, or of those that a pipeline has."""
    for part in parts(model):
        lists = getattr(part, "categories_", None)
        if lists is not None:
            yield lists


def _text(categories: Mapping[Any, Array], width: int) -> Array:
    if len(categories) < width:
        raise Refused(
            "found an estimator of text that has columns of other kinds too",
            "train it on a data frame, so that each column has a name and a kind",
        )
    return np.stack([chosen(categories[n], seed=n).astype(str) for n in range(width)], axis=1)


def _table(model: Estimator, columns: Sequence[str], samples: Arrays | None) -> Arrays:
    if samples is None:
        known = _categories(model)
        return {
            name: _column(
                chosen(known[name], seed=number) if name in known else normal((), seed=number)
            )
            for number, name in enumerate(columns)
        }
    plain = plain_names(columns)
    by_name = {name: samples.get(name, samples.get(plain[name])) for name in columns}
    missing = [name for name, values in by_name.items() if values is None]
    if missing:
        raise Refused(
            f"found samples without the columns {', '.join(missing)}",
            f"give an array for each of {', '.join(columns)}",
        )
    return {name: _column(values) for name, values in by_name.items()}


def _column(values: Any) -> Array:
    column = np.asarray(values).reshape(-1, 1)
    return column.astype(str if _is_text(column) else np.float32)


def _learned(model: Estimator, name: str, width: int, otherwise: float) -> Array | float:
    """What a scaler learned of each feature."""
    found = (getattr(part, name, None) for part in parts(model))
    fits = (one for one in found if isinstance(one, np.ndarray) and one.shape == (width,))
    return next(fits, otherwise)
