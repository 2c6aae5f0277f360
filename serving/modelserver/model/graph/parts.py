"""The parts of an ONNX file as plain values: nodes, tensors, attributes, declared types.

Source: onnx.proto; names are those of the format where it has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Size = int | str | None
"""A size in a declared shape: a number, a name, or nothing said."""

MANY = 1024
"""Of a tensor with more elements than these, the values are not read."""

# Element types. Source: onnx.proto, TensorProto.DataType.
FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL = range(1, 10)
FLOAT16, DOUBLE, UINT32, UINT64 = range(10, 14)
BFLOAT16 = 16


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor in the file; `values` are its elements in row-major order.

    They are None where there are many, or of a type that is neither a number nor a truth value.
    `is_sparse` says that the file holds only those that are not 0.
    """

    name: str
    element_type: int
    dims: tuple[int, ...]
    values: tuple[int | float, ...] | None = None
    is_sparse: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file says of a value: a name, and of a tensor its element type and shape.

    `element_type` is None where the value is no tensor (a sequence, a map, an optional), or nothing
    is said; `shape` is None where not even the number of dimensions is said.
    """

    name: str
    element_type: int | None = None
    shape: tuple[Size, ...] | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Of an attribute in a function: whatever the caller gives as its attribute `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Unread:
    """An attribute of a kind that nothing here needs (a type, say), or with too many numbers."""

    kind: int


One: TypeAlias = "int | float | str | Tensor | NodeGraph | Reference | Unread"
Attribute: TypeAlias = "One | tuple[One, ...]"
"""The value of an attribute; one of the plural kinds is a tuple of equal types."""


@dataclass(frozen=True, slots=True)
class Node:
    """A call of an operator or of a function of the file.

    The standard's domain is "". An input or output that is left out has the name "".
    """

    domain: str
    op_type: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    overload: str = ""

    @property
    def graphs(self) -> tuple["NodeGraph", ...]:
        """The inner graphs, of all attributes."""
        return tuple(
            one
            for each in self.attributes.values()
            for one in (each if isinstance(each, tuple) else (each,))
            if isinstance(one, NodeGraph)
        )


@dataclass(frozen=True, slots=True)
class NodeGraph:
    """Nodes in the order of the file, with what goes in and out; the main graph or an inner one.

    An initializer whose name is also an input's is that input's default. `declared` is what the
    file says of inputs, outputs and values between them, by name.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[Declared, ...]
    outputs: tuple[Declared, ...]
    initializers: Mapping[str, Tensor]
    declared: Mapping[str, Declared]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the file, called by nodes of its domain and name.

    `attributes` are those that a caller may give, with the value where it gives none (None: such an
    attribute is then left out).
    """

    domain: str
    name: str
    overload: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: "Mapping[str, Attribute | None]"
    nodes: tuple[Node, ...]
    opsets: Mapping[str, int]


FunctionKey = tuple[str, str, str]
"""Domain, name and overload."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A whole file; `opsets` has the version of each domain, of which the standard's is ""."""

    ir_version: int
    opsets: Mapping[str, int]
    graph: NodeGraph
    functions: Mapping[FunctionKey, Function] = field(default_factory=dict)
