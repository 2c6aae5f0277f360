"""Inputs and outputs as other platforms write them down, in the words of a contract."""

from collections.abc import Iterable, Sequence

from modelctl.errors import UsageError
from modelctl.importing.fields import Fields
from modelctl.model.graph import ANY_SIZE
from modelctl.model.tensors import Contract, TensorSpec

DATATYPES = (
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
    "FP16", "FP32", "FP64", "BF16", "BYTES",
)  # fmt: skip
_NUMPY = {
    "bool": "BOOL",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "str": "BYTES",
    "object": "BYTES",
    "bytes": "BYTES",
    **{f"int{bits}": f"INT{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"UINT{bits}" for bits in (8, 16, 32, 64)},
}
_COLUMNS = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
    "binary": "BYTES",
}


def contract(
    inputs: Sequence[TensorSpec] | None, outputs: Sequence[TensorSpec] | None
) -> Contract | None:
    """A contract, where both sides are known."""
    return Contract(tuple(inputs), tuple(outputs)) if inputs and outputs else None


def v2_tensors(tensors: Iterable[Fields]) -> list[TensorSpec]:
    """Tensors as metadata of the Open Inference Protocol has them: name, datatype, shape."""
    return [
        TensorSpec(
            tensor.text("name") or "",
            _known(tensor.text("datatype") or "", DATATYPES),
            _batched(tensor.sizes("shape")),
        )
        for tensor in tensors
    ]


def _batched(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape whose first size is open: a description often gives that of one example."""
    return (ANY_SIZE, *shape[1:])


def _known(datatype: str, names: Iterable[str]) -> str:
    if datatype not in names:
        raise UsageError(f"found the datatype {datatype!r}, expected one of {', '.join(names)}")
    return datatype


def mlflow_tensors(columns: Iterable[Fields]) -> list[TensorSpec]:
    """Tensors of one side of a signature of MLflow; a column is a tensor of one value a row."""
    return [_mlflow_tensor(column, index) for index, column in enumerate(columns)]


def _mlflow_tensor(column: Fields, index: int) -> TensorSpec:
    kind = column.text("type") or ""
    name = column.text("name") or f"column_{index}"
    if kind == "tensor":
        inner = column.within("tensor-spec")
        dtype = inner.text("dtype") or ""
        return TensorSpec(name, _NUMPY[_known(dtype, _NUMPY)], tuple(inner.sizes("shape")))
    return TensorSpec(name, _COLUMNS[_known(kind, _COLUMNS)], (ANY_SIZE, 1))
