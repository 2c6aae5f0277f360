"""Keras models (.keras, .h5) and TensorFlow's SavedModel folders, by way of tf2onnx.

Names of inputs and outputs are those of the model's layers, or of the signature. Lambda layers run
code of whoever made the file, and so may the operators of a SavedModel: both want to be trusted.
"""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from conversion import Refused, environment, given, plain, save, with_edges
from keras_rows import made_up, sizes, within

os.environ["KERAS_BACKEND"] = "tensorflow"  # the others export by way of other exporters

Arrays = Mapping[str, np.ndarray[Any, Any]]
Call = Callable[..., Any]

_VERSIONS = ("keras", "tensorflow-cpu", "tensorflow", "tf2onnx", "onnx", "numpy")
_SHOWN = 400  # characters of another program's words
_ROWS_AT_ONCE = 32  # of the original: images of all rows at once would not fit
_OPSET = 17
_COUNTED = re.compile(r"(keras_tensor|input_layer|inputs?|outputs?|Identity|tensor)?(_?\d+)?")
_TRUST = "add --trust if you know who made the file"


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    """The model of a Keras file or a SavedModel folder."""
    source = Path(request["source"])
    read = _saved_model if source.is_dir() else _keras
    call, specs, outputs = read(source, request)
    samples = with_edges(_samples(specs, given(request)))
    for spec, name in zip(specs, samples, strict=True):
        samples[name] = within(spec, samples[name])
    expected = _expected(call, list(samples.values()), outputs)
    names = {"inputs": list(samples), "outputs": list(expected)}
    model = _exported(call, specs, names, request["options"])
    save(request, model, samples, expected)
    return {"environment": environment(*_VERSIONS), "notes": []}


def _keras(path: Path, request: Mapping[str, Any]) -> tuple[Call, list[Any], list[str]]:
    """The call, inputs and names of outputs of a Keras model."""
    import keras
    import tensorflow as tf

    model = _loaded(keras, path, trust=request["trust"])
    inputs = _inputs(keras, model, given(request))
    names = _names([one.name for one in inputs], "input")
    specs = [
        tf.TensorSpec((None, *one.shape[1:]), one.dtype, name=name)
        for name, one in zip(names, inputs, strict=True)
    ]
    words = _vocabularies(model)
    for spec, one in zip(specs, inputs, strict=True):
        whole = min(words.values(), default=None) if np.dtype(one.dtype).kind in "iu" else None
        spec.most = words.get(one.name, whole)  # an embedding takes whole numbers as floats too
    nested = len(specs) > 1 or isinstance(getattr(model, "input", None), (list, tuple, dict))

    def call(*rows: Any) -> Any:
        return model(list(rows) if nested else rows[0], training=False)

    return call, specs, _output_names(model)


def _loaded(keras: Any, path: Path, *, trust: bool) -> Any:
    """The model; a name that does not tell its format gets one that does."""
    from zipfile import is_zipfile

    suffix = ".keras" if is_zipfile(path) else ".h5"
    if path.suffix != suffix:
        copy = Path.cwd() / f"model{suffix}"
        shutil.copyfile(path, copy)
        path = copy
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=not trust)
        except Exception as error:
            raise _unreadable(error, trust=trust) from error


def _unreadable(error: Exception, *, trust: bool) -> Refused:
    words = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
    if not trust and ("safe_mode" in words or "ambda" in words or "unsafe" in words):
        return Refused(f"found code of whoever made the file ({words})", _TRUST)
    if "Could not locate class" in words or "Unknown layer" in words or "register" in words:
        return Refused(
            f"found a layer of your own ({words})",
            "export it where its class is known: model.export('model', format='tf_saved_model'), "
            "then package that folder; or build it from Keras's own layers",
        )
    return Refused(
        f"found a file that Keras cannot read ({words})",
        "save the whole model again with model.save('model.keras'), or name the interpreter that "
        "made it: --python PATH",
    )


def _inputs(keras: Any, model: Any, samples: Arrays | None) -> Sequence[Any]:
    """What the model takes: as it says, or, of one that was never built, as the samples are."""
    tensors = getattr(model, "inputs", None) if model.built else None
    if tensors:
        return list(tensors)
    if samples is None:
        raise Refused(
            "found a model that does not say what it takes: it was never called",
            "give rows of its inputs: --samples FILE.npz; or call it once, then save it",
        )
    rows = list(samples.values())
    model(rows if len(rows) > 1 else rows[0][:1])
    return [
        keras.KerasTensor((None, *values.shape[1:]), str(values.dtype), name=name)
        for name, values in samples.items()
    ]


def _vocabularies(model: Any) -> dict[str, int]:
    """By the name of the tensor that an embedding takes, how many whole numbers it knows."""
    layers = getattr(model, "_flatten_layers", lambda: model.layers)()
    found: dict[str, int] = {}
    for number, layer in enumerate(one for one in layers if type(one).__name__ == "Embedding"):
        name = str(getattr(getattr(layer, "input", None), "name", number))
        found[name] = min(int(layer.input_dim), found.get(name, int(layer.input_dim)))
    return found


def _output_names(model: Any) -> list[str]:
    """Names of the outputs: those of the layers that give them, where somebody chose them."""
    layers = {layer.name: layer for layer in getattr(model, "layers", ())}
    names = getattr(model, "output_names", None)
    if names is None and type(model).__name__ == "Sequential":
        names = list(layers)[-1:]
    names = [str(name) for name in names or ()]
    is_usual = len(names) == 1 and _is_usual(names[0], layers.get(names[0]))
    return [""] if is_usual else names


def _is_usual(name: str, layer: Any) -> bool:
    """Whether a name is the one that Keras gives, such as dense_2."""
    usual = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
    return re.fullmatch(rf"{usual}(_\d+)?", name) is not None


def _saved_model(folder: Path, request: Mapping[str, Any]) -> tuple[Call, list[Any], list[str]]:
    """The call, inputs and names of outputs of a signature of a SavedModel."""
    if not request["trust"]:
        raise Refused("found a SavedModel, whose graph may read and write files", _TRUST)
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception as error:
        raise _unreadable(error, trust=True) from error
    wanted = str(request["options"].get("signature", "serving_default"))
    signature = loaded.signatures.get(wanted)
    if signature is None:
        raise Refused(
            f"found the signatures {', '.join(loaded.signatures) or 'none'}, not {wanted}",
            "name one of them, or save the folder again with model.export(folder)",
        )
    taken = signature.structured_input_signature[1]
    given_names = list(taken)
    specs = [
        tf.TensorSpec(one.shape, one.dtype, name=name)
        for name, one in zip(_names(given_names, "input"), taken.values(), strict=True)
    ]
    outputs = sorted(signature.structured_outputs)

    def call(*rows: Any) -> Any:
        answer = signature(**dict(zip(given_names, rows, strict=True)))
        return [answer[name] for name in outputs]

    call.keeps = loaded  # type: ignore[attr-defined]  # its variables go with it
    return call, specs, outputs


def _samples(specs: Sequence[Any], samples: Arrays | None) -> dict[str, Any]:
    """Rows by input name: those given, by name or in order, or made-up ones."""
    names = [plain(spec.name) for spec in specs]
    if samples is None:
        return {name: made_up(spec, name) for name, spec in zip(names, specs, strict=True)}
    by_name = {plain(name): values for name, values in samples.items()}
    ordered = list(samples.values())
    if len(ordered) < len(names):
        raise Refused(
            f"found samples for {', '.join(by_name)}",
            f"give an array for each of {', '.join(names)}",
        )
    rows = {}
    for number, (name, spec) in enumerate(zip(names, specs, strict=True)):
        values = by_name.get(name, ordered[number])
        wanted = sizes(spec)
        fits = len(values.shape) == len(wanted) and all(
            size in (None, found) for size, found in zip(wanted[1:], values.shape[1:], strict=True)
        )
        if not fits:
            raise Refused(
                f"found samples of shape {list(values.shape)} for {name}",
                f"give rows of shape {[-1 if size is None else size for size in wanted]}",
            )
        rows[name] = values.astype(spec.dtype.as_numpy_dtype)
    return rows


def _expected(call: Call, rows: Sequence[Any], outputs: Sequence[str]) -> dict[str, Any]:
    """What the original makes of the rows, by the names of its outputs."""
    import tensorflow as tf

    parts: list[list[Any]] = []
    for start in range(0, len(rows[0]), _ROWS_AT_ONCE):
        some = [tf.constant(values[start : start + _ROWS_AT_ONCE]) for values in rows]
        parts.append([np.asarray(one) for one in tf.nest.flatten(call(*some))])
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    used = outputs if len(outputs) == len(columns) else [""] * len(columns)
    return dict(zip(_names(used, "output"), columns, strict=True))


def _names(names: Sequence[str], side: str) -> list[str]:
    """Tensors' names without what Keras counts: `keras_tensor_12` says nothing, nor would two."""
    short = [plain(name.partition(":")[0]) for name in names]
    known = [bool(name) and not _COUNTED.fullmatch(name) for name in short]
    if len(names) == 1:
        return [short[0] if known[0] else side]
    alone = [
        is_known and short.count(name) == 1 for name, is_known in zip(short, known, strict=True)
    ]
    return [name if alone[n] else f"{side}_{n}" for n, name in enumerate(short)]


def _exported(
    call: Call, specs: Sequence[Any], names: Mapping[str, list[str]], options: Mapping[str, Any]
) -> bytes:
    import tensorflow as tf
    import tf2onnx
    from tf2onnx import tf_loader

    try:
        from keras.src.export.tf2onnx_lib import patch_tf2onnx

        patch_tf2onnx()  # for NumPy 2; Keras has it where tf2onnx needs it
    except ImportError:
        pass
    signature = [
        tf.TensorSpec((None, *sizes(spec)[1:]), spec.dtype, name=name)
        for spec, name in zip(specs, names["inputs"], strict=True)
    ]
    function = tf.function(lambda *rows: tf.nest.flatten(call(*rows)))
    opset = int(options.get("target_opset", _OPSET))
    try:
        concrete = function.get_concrete_function(*signature)
        # Behind the rows are tensors that layers keep, which are constants, not inputs.
        ends = {
            "input_names": [one.name for one in concrete.inputs[: len(signature)]],
            "output_names": [one.name for one in concrete.outputs],
        }
        frozen = tf_loader.from_function(concrete, *ends.values())
        model, _ = tf2onnx.convert.from_graph_def(frozen, opset=opset, **ends)
    except Exception as error:
        raise _unconvertible(error) from error
    custom = {node.domain for node in model.graph.node} - {"", "ai.onnx", "ai.onnx.ml"}
    unknown = {node.op_type for node in model.graph.node if node.domain in custom}
    if unknown:
        raise _unconvertible(ValueError(f"no ONNX operator for {', '.join(sorted(unknown))}"))
    _rename(model.graph, names)
    return bytes(model.SerializeToString(deterministic=True))


def _unconvertible(error: Exception) -> Refused:
    words = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
    return Refused(
        f"found operators that tf2onnx cannot convert ({words})",
        "do that step before the request: text and look-up layers (TextVectorization, "
        "StringLookup) and random augmentation have no ONNX form here",
    )


def _rename(graph: Any, names: Mapping[str, list[str]]) -> None:
    """Call inputs and outputs by their names, wherever the graph speaks of them."""
    new: dict[str, str] = {}
    for side, own in (("inputs", graph.input), ("outputs", graph.output)):
        for value, name in zip(own, names[side], strict=True):
            new[value.name] = name
            value.name = name
    taken = set(new.values())
    for node in graph.node:
        for ends in (node.input, node.output):
            for index, old in enumerate(ends):
                ends[index] = new.get(old, f"{old}__inner" if old in taken else old)
    del graph.value_info[:]
