"""Dense layers from NumPy arrays: no framework, nothing that runs.

Names, without regard to case, an underscore before the number or not:

- weights of a layer: `weights`, `weight`, `w`, `kernel`, `coef`, `coefs`, `coef_` or `slope`, with
  the layer's number behind it where there are several: `w1`, `w2`. `[inputs, outputs]`; where the
  bias says so, `[outputs, inputs]` as PyTorch has them; a vector is one output, a scalar one of
  each.
- its bias, which may be left out: `bias`, `biases`, `b`, `intercept`, `intercepts`, `offset`.
- `mean` and `scale`: inputs are standardised first.
- `activation`: between the layers: relu (the default), tanh, sigmoid or identity.
- `output`: after the last: identity (the default), softmax or sigmoid.

The input is `x`, the output `y`; `activation` and `output` may be options as well.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from conversion import Refused, environment, given, normal, save, with_edges
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]
Layers = Sequence[tuple[Array, Array]]
Standard = tuple[Array, Array] | None


def _softmax(values: Array) -> Array:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


_NAME = re.compile(
    r"(?P<weights>weights?|w|kernels?|coefs?|slope)_?(?P<layer>\d*)_?|"
    r"(?P<bias>bias(?:es)?|b|intercepts?|offset)_?(?P<bias_layer>\d*)_?",
    re.IGNORECASE,
)
_SETTINGS = ("mean", "scale", "activation", "output")
_ACTIVATIONS: Mapping[str, tuple[str | None, Callable[[Array], Array]]] = {
    "identity": (None, lambda x: x),
    "relu": ("Relu", lambda x: np.maximum(x, 0)),
    "tanh": ("Tanh", np.tanh),
    "sigmoid": ("Sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    "softmax": ("Softmax", _softmax),
}
_EXPECTED = (
    "name the weights w1, w2, … and biases b1, b2, … (one layer: weights and bias, slope and "
    "intercept, coef and intercept), and beside them mean, scale, activation or output"
)
_OPSET, _IR = 17, 8
_MATRIX = 2  # dimensions


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    """The model of an npz file."""
    arrays = _read(request["source"])
    settings = {key.lower(): value for key, value in arrays.items() if key.lower() in _SETTINGS}
    settings |= {key: np.array(request["options"][key]) for key in request["options"]}
    layers, notes = _layers({k: v for k, v in arrays.items() if k.lower() not in _SETTINGS})
    standard = _standard(settings, len(layers[0][0]))
    between = _activation(settings, "activation", "relu", ("identity", "relu", "tanh", "sigmoid"))
    after = _activation(settings, "output", "identity", ("identity", "softmax", "sigmoid"))
    rows = _rows(request, len(layers[0][0]), standard)
    model = _model(layers, standard, between, after)
    expected = _answers(rows["x"], layers, standard, between, after)
    save(request, model, rows, {"y": expected})
    return {"environment": environment("numpy", "onnx"), "notes": notes}


def _read(source: str) -> Arrays:
    try:
        with np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in getattr(file, "files", ())}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise Refused(
            f"found a file that is no npz of plain arrays ({error})",
            "save it with numpy.savez, without arrays of objects",
        ) from error
    except AttributeError as error:
        raise Refused(
            "found a single array (npy)", f"save a layer's arrays: {_EXPECTED}"
        ) from error
    return arrays


def _layers(arrays: Arrays) -> tuple[Layers, list[str]]:
    """`(weights[inputs, outputs], bias[outputs])` of each layer in order, and notes."""
    weights, biases, unknown = {}, {}, []
    for name, value in arrays.items():
        match = _NAME.fullmatch(name)
        if match is None or value.dtype.kind not in "iuf" or not np.isfinite(value).all():
            unknown.append(f"{name} {value.dtype}{list(value.shape)}")
        elif match["weights"]:
            weights[int(match["layer"] or 0)] = value
        else:
            biases[int(match["bias_layer"] or 0)] = value
    lonely = sorted(biases.keys() - weights.keys())
    if unknown or lonely or not weights or len(weights) + len(biases) != len(arrays):
        raise Refused(f"found the arrays {', '.join(arrays) or 'none'}", _EXPECTED)
    return _oriented([(weights[number], biases.get(number)) for number in sorted(weights)])


def _oriented(pairs: Sequence[tuple[Array, Array | None]]) -> tuple[Layers, list[str]]:
    layers: list[tuple[Array, Array]] = []
    notes = []
    for number, (weights, bias) in enumerate(pairs, 1):
        matrix = weights.reshape(-1, 1) if weights.ndim < _MATRIX else weights
        if matrix.ndim != _MATRIX:
            raise Refused(
                f"found weights {number} of shape {list(weights.shape)}",
                "only dense layers are known here: weights are [inputs, outputs]",
            )
        before = layers[-1][0].shape[1] if layers else None
        if _is_turned(matrix, bias, before):
            matrix = matrix.T
            notes.append(f"weights {number} were [outputs, inputs] and are turned")
        offset = np.zeros(matrix.shape[1], matrix.dtype) if bias is None else bias.reshape(-1)
        if len(offset) != matrix.shape[1] or before not in (None, len(matrix)):
            raise Refused(
                f"found weights {number} of shape {list(weights.shape)}, a bias of {len(offset)} "
                f"values after {before or 'any number of'} inputs",
                "the inputs of a layer are the outputs of the one before it",
            )
        layers.append((matrix, offset))
    return layers, notes


def _is_turned(matrix: Array, bias: Array | None, before: int | None) -> bool:
    """Whether weights fit as `[outputs, inputs]` alone."""

    def fits(shape: tuple[int, ...]) -> bool:
        return before in (None, shape[0]) and (bias is None or bias.size == shape[1])

    return not fits(matrix.shape) and fits(matrix.shape[::-1])


def _standard(settings: Arrays, inputs: int) -> Standard:
    """`(mean, scale)` of the inputs, or None."""
    if not settings.keys() & {"mean", "scale"}:
        return None
    mean, scale = settings.get("mean", np.zeros(1)), settings.get("scale", np.ones(1))
    pair = mean, scale
    if any(each.size not in (1, inputs) or each.dtype.kind not in "iuf" for each in pair):
        shapes = " and ".join(str(list(each.shape)) for each in pair)
        raise Refused(f"found mean and scale of shapes {shapes}", f"give one or {inputs} of each")
    if not np.all(scale):
        raise Refused("found a scale of 0", "an input that never varies has the scale 1")
    return np.resize(mean, inputs), np.resize(scale, inputs)


def _activation(settings: Arrays, name: str, default: str, known: Sequence[str]) -> str:
    found = str(settings[name]) if name in settings else default
    if found not in known:
        raise Refused(f"found {name} {found!r}", f"expected one of {', '.join(known)}")
    return found


def _rows(request: Mapping[str, Any], inputs: int, standard: Standard) -> Arrays:
    samples = given(request)
    if samples is None:
        rows = normal((inputs,))
        if standard:
            rows = (rows * standard[1] + standard[0]).astype(np.float32)
        return with_edges({"x": rows})
    rows = samples.get("x", next(iter(samples.values())))
    if rows.ndim != _MATRIX or rows.shape[1] != inputs or rows.dtype.kind not in "biuf":
        raise Refused(
            f"found samples of shape {list(rows.shape)}, {rows.dtype}",
            f"give the array x of numbers with {inputs} columns",
        )
    return with_edges({"x": rows.astype(np.float32)})


def _answers(rows: Array, layers: Layers, standard: Standard, between: str, after: str) -> Array:
    """What NumPy makes of the rows, in the precision of the arrays."""
    values = (rows - standard[0]) / standard[1] if standard else rows
    with np.errstate(over="ignore"):
        for number, (weights, bias) in enumerate(layers, 1):
            values = values @ weights + bias
            values = _ACTIVATIONS[after if number == len(layers) else between][1](values)
    return values.astype(np.float32)


def _model(layers: Layers, standard: Standard, between: str, after: str) -> bytes:
    nodes: list[Any] = []
    constants: list[Any] = []
    last = "x"

    def step(operator: str, name: str, *arrays: tuple[str, Array], **attributes: Any) -> None:
        nonlocal last
        names = [f"{name}.{part}" for part, _ in arrays]
        constants.extend(
            numpy_helper.from_array(np.ascontiguousarray(value, np.float32), f"{name}.{part}")
            for part, value in arrays
        )
        nodes.append(helper.make_node(operator, [last, *names], [name], name=name, **attributes))
        last = name

    if standard:
        step("Sub", "centred", ("mean", standard[0]))
        step("Div", "standard", ("scale", standard[1]))
    for number, (weights, bias) in enumerate(layers, 1):
        step("Gemm", f"dense{number}", ("weights", weights), ("bias", bias))
        operator, _ = _ACTIVATIONS[after if number == len(layers) else between]
        if operator:
            step(operator, f"activation{number}", **({"axis": 1} if operator == "Softmax" else {}))
    nodes[-1].output[0] = "y"
    ends = [("x", len(layers[0][0])), ("y", layers[-1][0].shape[1])]
    source, result = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name, size in ends
    )
    graph = helper.make_graph(nodes, "dense", [source], [result], constants)
    imports = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=_IR)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
