"""What ONNX Runtime gives for rows together, held against what it gives for each row alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from modelctl.model.onnxruntime_support import OPSETS
from modelserver.model.graph import parts, reader, tensors
from modelserver.model.rows import proof
from modelserver.model.rows.step import Names
from modelserver.model.rows.values import ROWS, Size, Value
from modelserver.tensor.datatypes import Array

Proto = Any  # protobuf messages carry no types here
Axes = Mapping[str, int]
"""The inputs with rows, and on which axis each has them; the other inputs are constants."""

NUMBER = 5  # rows of a batch
ONE_A_ROW = Size(1, (ROWS,))
_IR_VERSION = 10  # one that every supported ONNX Runtime reads
_NEWEST = OPSETS["ai.onnx"][1]


@dataclass(frozen=True)  # no slots: what is read of it is remembered
class Sample:
    """A model, and an array for each input that says what values it takes."""

    name: str
    model: Proto
    inputs: Mapping[str, Array]

    @cached_property
    def _lowered(self) -> Proto:
        """The model as ONNX Runtime reads it, which is behind the standard."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        model.ir_version = min(max(model.ir_version, 4), _IR_VERSION)
        for each in model.opset_import:
            if each.domain in ("", "ai.onnx"):
                each.version = min(each.version, _NEWEST)
        for each in model.graph.output:
            if each.type.HasField("tensor_type"):
                each.type.tensor_type.ClearField("shape")
        return model

    @cached_property
    def _file(self) -> parts.ModelFile:
        return reader.read_bytes(self._lowered.SerializeToString())

    @cached_property
    def _constants(self) -> Mapping[str, Proto]:
        return {name: numpy_helper.from_array(array, name) for name, array in self.inputs.items()}

    @cached_property
    def _tensors(self) -> Mapping[str, parts.Tensor]:
        contents = {name: each.SerializeToString() for name, each in self._constants.items()}
        return {name: tensors.read(each, 0, len(each)) for name, each in contents.items()}

    def proven(self, axes: Axes) -> dict[str, Value]:
        """What is proven of the outputs of which anything is."""
        graph = self._file.graph
        fixed = {name: each for name, each in self._tensors.items() if name not in axes}
        given = {}
        for name, axis in axes.items():
            shape = [Size(size) for size in self.inputs[name].shape]
            shape[axis] = ONE_A_ROW
            given[name] = Value(tuple(shape), axis)
        graph = replace(graph, initializers={**graph.initializers, **fixed})
        found = proof.follow(replace(self._file, graph=graph), given, Names())
        known = {name: each for name, each in found.items() if isinstance(each, Value)}
        return {name: each for name, each in known.items() if not each.counts_rows}

    def session(self, axes: Axes) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
        """The model with free sizes where rows are; None where ONNX Runtime does not load it."""
        model = onnx.ModelProto()
        model.CopyFrom(self._lowered)
        given = [each for each in model.graph.input if each.name in axes]
        for each in given:
            size = each.type.tensor_type.shape.dim[axes[each.name]]
            size.ClearField("dim_value")
            size.dim_param = "rows"
        del model.graph.input[:]
        model.graph.input.extend(given)
        model.graph.initializer.extend(
            each for name, each in self._constants.items() if name not in axes
        )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        try:
            return onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception:  # noqa: BLE001 - ONNX Runtime's errors have no common base
            return None

    def differences(
        self,
        session: Any,  # noqa: ANN401 - ONNX Runtime has no types
        axes: Axes,
        found: Mapping[str, Value],
        random: np.random.Generator,
    ) -> list[str] | None:
        """Where an output is not what is proven of it; None where the model runs no such rows."""
        feeds = {name: self._rows(name, axis, random) for name, axis in axes.items()}
        single = [
            {name: np.take(array, [row], axes[name]) for name, array in feeds.items()}
            for row in range(NUMBER)
        ]
        try:
            alone = [session.run(list(found), each) for each in single]
            together = session.run(list(found), feeds)
        except Exception:  # noqa: BLE001 - as above
            return None
        return [
            f"{self.name} {dict(axes)} {name}: {problem}"
            for place, (name, value) in enumerate(found.items())
            if (problem := _problem(value, together[place], [each[place] for each in alone]))
        ]

    def _rows(self, name: str, axis: int, random: np.random.Generator) -> Array:
        """Rows that differ by orders of magnitude, and now and then hold what is no number."""
        like = self.inputs[name]
        shape, scales = list(like.shape), [1] * like.ndim
        shape[axis] = scales[axis] = NUMBER
        if like.dtype.kind != "f":
            return np.asarray(random.choice(like.ravel(), shape)).astype(like.dtype)
        made = random.normal(size=shape) * 10.0 ** random.uniform(-3, 4, scales)
        if random.random() < 0.3:
            place = tuple(2 if each == axis else slice(None) for each in range(like.ndim))
            made[place] = random.choice([np.inf, -np.inf, np.nan])
        return made.astype(like.dtype)


def _problem(value: Value, together: Array, alone: Sequence[Array]) -> str:
    if value.shape is not None:
        expected = [_size(size) for size in value.shape]
        if len(expected) != together.ndim or any(
            size not in (None, real) for size, real in zip(expected, together.shape, strict=True)
        ):
            return f"has shape {together.shape}, expected {expected}"
    if value.axis is not None:
        joined = np.concatenate(alone, value.axis)
        return "" if _alike(together, joined) else f"rows differ on axis {value.axis}"
    return "" if all(_alike(together, each) for each in alone) else "is not the same in all runs"


def _size(size: Size) -> int | None:
    return size.number * NUMBER if size.names == (ROWS,) else size.literal


def _alike(found: Array, expected: Array) -> bool:
    if found.shape != expected.shape:
        return False
    if found.dtype.kind != "f":
        return bool((found == expected).all())
    wide, other = found.astype(np.float64), expected.astype(np.float64)
    largest = np.abs(other[np.isfinite(other)]).max(initial=0)
    return np.allclose(wide, other, rtol=2e-3, atol=1e-4 * largest + 1e-6, equal_nan=True)
