"""Named tensors: what a graph declares, and what a model promises to take and give."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A named tensor of a contract; `shape` has -1 where a dimension may vary."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """The inputs and outputs that a model promises its callers, the same for every release."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """What an ONNX file declares: version of its format, operator sets by domain, tensors."""

    ir_version: int
    opsets: Mapping[str, int]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
