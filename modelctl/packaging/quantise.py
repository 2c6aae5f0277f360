"""A model in 8 bits: a quarter of its bytes; whether it is faster has to be measured."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelctl.packaging import apart, arrays, running
from modelctl.packaging.arrays import Arrays

_Proto = Any  # protobuf messages carry no types here

CALIBRATION_ROWS = 512
_DENSE = ("MatMul", "Gemm")
_CONVOLUTIONS = ("Conv",)


def quantised(model: bytes, kind: str, calibration: Arrays) -> bytes:
    """The model with its dense layers, and if `static` its convolutions, in 8 bits.

    Weights use 7 of the 8 bits: on CPUs without VNNI the sum of two products is kept in 16 bits,
    and weights of full range overflow it.

    Raises:
        UsageError: There is nothing to quantise, or the quantiser cannot.
    """
    with apart.folder() as folder:
        (folder / "in.onnx").write_bytes(model)
        arrays.write(folder / "rows.npz", arrays.first(calibration, CALIBRATION_ROWS))
        apart.asked(reply, {"kind": kind, "folder": str(folder)})
        return (folder / "out.onnx").read_bytes()


def reply(request: bytes) -> str:
    """What the child answers; the model is written beside the one it was given."""
    return apart.answered(_done, request)


def _done(fields: dict[str, Any]) -> Mapping[str, object]:
    import onnx  # noqa: PLC0415 - the child alone needs it
    from onnxruntime.quantization.quant_utils import (  # noqa: PLC0415 - the same
        add_pre_process_metadata,
    )

    logging.disable(logging.WARNING)  # it advises what is done on purpose
    folder = Path(fields["folder"])
    model = onnx.load(folder / "in.onnx")
    found = {node.op_type for node in model.graph.node}
    wanted = _DENSE if fields["kind"] == "dynamic" else _DENSE + _CONVOLUTIONS
    if not found & set(wanted):
        raise ValueError(f"found no {' or '.join(wanted)}, expected one to quantise")
    _declare_constants(model)
    add_pre_process_metadata(model)  # ONNX Runtime simplifies at load; sympy is not needed
    onnx.save(model, folder / "prepared.onnx")
    if fields["kind"] == "dynamic":
        _dynamic(folder)
    else:
        _static(folder, [name for name in wanted if name in found])
    made = onnx.load(folder / "out.onnx")
    for name in ("producer_name", "producer_version"):
        made.ClearField(name)
    kept = [entry for entry in made.metadata_props if not entry.key.startswith("onnx.")]
    del made.metadata_props[:]
    made.metadata_props.extend(kept)
    (folder / "out.onnx").write_bytes(made.SerializeToString(deterministic=True))
    return {}


def _declare_constants(model: _Proto) -> None:
    """Make initializers of Constant nodes: the quantiser takes weights from these alone."""
    import onnx  # noqa: PLC0415 - the child alone needs it

    for node in [each for each in model.graph.node if each.op_type == "Constant"]:
        value = next((each for each in node.attribute if each.name == "value"), None)
        if value is not None:
            tensor = onnx.TensorProto()
            tensor.CopyFrom(value.t)
            tensor.name = node.output[0]
            model.graph.initializer.append(tensor)
            model.graph.node.remove(node)


def _dynamic(folder: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - the same

    quantize_dynamic(
        folder / "prepared.onnx",
        folder / "out.onnx",
        op_types_to_quantize=["MatMul"],  # a Gemm becomes one
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )


def _static(folder: Path, operators: list[str]) -> None:
    from onnxruntime.quantization import (  # noqa: PLC0415 - the same
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Rows(CalibrationDataReader):  # type: ignore[misc]  # untyped base
        """Batches of the calibration rows."""

        def __init__(self) -> None:
            runner = running.session(str(folder / "prepared.onnx"))
            self._batches = running.batches(runner, arrays.read(folder / "rows.npz"))

        def get_next(self) -> Mapping[str, Any] | None:
            """The next batch, None at the end."""
            return next(self._batches, None)

    quantize_static(
        folder / "prepared.onnx",
        folder / "out.onnx",
        Rows(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=operators,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
    )
