"""A model's graphs as ONNX Runtime sees them: calls of functions replaced by their bodies.

Tensors are not copied: a node keeps the attributes of the file.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modelctl.model.soundness import table
from modelctl.model.soundness.errors import UnsoundError

Proto = Any  # protobuf messages carry no types here
CONSTANT = "Constant"
"""ONNX Runtime makes initializers of these nodes before it looks at anything else."""

LAST_DECLARED_INITIALIZERS = 3
"""Up to this IR version, an initializer is an input as well, and one that no caller can give."""

Rename = Callable[[str], str]
FunctionKey = tuple[str, str, str]

_CLOSED = frozenset({"ai.onnx", "ai.onnx.ml", "ai.onnx.training"})
"""Domains in which ONNX's checker takes nothing but its own operators."""

# ONNX Runtime needs 33 s for 2**16 calls of functions, four times that for twice as many, and ends
# with a full stack at a depth of calls between 2500 and 3000.
MAX_CALLED_NODES = 1 << 17
MAX_CALL_DEPTH = 2500


@dataclass(slots=True)
class Node:
    """A node with its own names; `opset` is the version of its domain."""

    name: str
    domain: str
    op: str
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Proto]
    graphs: Mapping[str, "Body"] = field(default_factory=dict)

    def __str__(self) -> str:
        """How messages name it."""
        if self.name:
            return f"the node {self.name!r}"
        given = next(filter(None, self.outputs), None)
        return f"the node that gives {given!r}" if given else "a node without a name"

    @property
    def operator(self) -> str:
        """How messages name its operator."""
        return f"{self.op} of {self.domain} {self.opset}"

    def proto(self) -> Proto:
        """The node as a message of its own."""
        from onnx import NodeProto  # noqa: PLC0415 - a quarter second

        return NodeProto(
            op_type=self.op,
            domain=onnx_domain(self.domain),
            input=self.inputs,
            output=self.outputs,
            attribute=list(self.attributes.values()),
        )


@dataclass(slots=True)
class Body:
    """A graph: the model's own or one that a node holds."""

    name: str
    inputs: list[Proto]
    outputs: list[Proto]
    declared: list[Proto]
    tensors: list[tuple[str, Proto]]
    sparse: list[tuple[str, Proto]]
    nodes: list[Node]


def domain_name(domain: str) -> str:
    """The name of a domain; the default one may be left out."""
    return domain or "ai.onnx"


def onnx_domain(name: str) -> str:
    """How ONNX writes the name of a domain."""
    return "" if name == "ai.onnx" else name


class Viewer:
    """Builds the view of one model."""

    def __init__(self, model: Proto, opsets: Mapping[str, int]) -> None:
        self._functions = {function_key(each): each for each in model.functions}
        self._opsets = opsets
        self._calls = itertools.count(1)
        self._called_nodes = 0
        self._sorted: set[FunctionKey] = set()
        self.graph = self._body(model.graph, _same, None, 0)

    def expanded(self, function: Proto, call: Node, defaults: Mapping[str, Proto]) -> Body:
        """The body of a function that takes the place of a call."""
        nodes: list[Node] = []
        whole = replace(call, attributes={**defaults, **call.attributes})
        self._call(nodes, function, whole, 1)
        return Body(call.name, [], [], [], [], [], nodes)

    def _body(
        self, graph: Proto, rename: Rename, given: Mapping[str, Proto] | None, depth: int
    ) -> Body:
        renamed = rename is not _same
        return Body(
            name=graph.name,
            inputs=_values(graph.input, rename, copied=renamed),
            outputs=_values(graph.output, rename, copied=renamed),
            declared=_values(graph.value_info, rename, copied=renamed),
            tensors=[(rename(tensor.name), tensor) for tensor in graph.initializer],
            sparse=[(rename(each.values.name), each) for each in graph.sparse_initializer],
            nodes=self._nodes([], graph.node, rename, given, depth),
        )

    def _nodes(
        self,
        into: list[Node],
        nodes: Proto,
        rename: Rename,
        given: Mapping[str, Proto] | None,
        depth: int,
    ) -> list[Node]:
        for proto in nodes:
            node = self._node(proto, rename, given, depth)
            function = self._function(proto, node)
            if function is None:
                into.append(node)
            else:
                _refuse_arguments(function, node)
                self._call(into, function, node, depth + 1)
        return into

    def _node(
        self, proto: Proto, rename: Rename, given: Mapping[str, Proto] | None, depth: int
    ) -> Node:
        domain = domain_name(proto.domain)
        attributes: dict[str, Proto] = {}
        for each in proto.attribute:
            if each.name in attributes and proto.op_type != CONSTANT:
                raise UnsoundError(f"has the attribute {each.name!r} of {proto.op_type} twice")
            attribute = each if given is None or not each.ref_attr_name else _referred(each, given)
            if attribute is not None:
                attributes[each.name] = attribute
        graphs = {
            name: self._body(each.g, rename, given, depth)
            for name, each in attributes.items()
            if each.HasField("g")
        }
        return Node(
            name=rename(proto.name),
            domain=domain,
            op=proto.op_type,
            opset=self._opsets.get(domain, 0),
            inputs=tuple(map(rename, proto.input)),
            outputs=tuple(map(rename, proto.output)),
            attributes=attributes,
            graphs=graphs,
        )

    def _function(self, proto: Proto, node: Node) -> Proto | None:
        """The function that a node calls; an operator of the same name goes first."""
        function = self._functions.get((node.domain, node.op, proto.overload))
        idle = not (node.op and (node.inputs or node.outputs))
        if function is None or idle or node.domain in _CLOSED:
            return None
        if node.domain not in self._opsets:
            raise UnsoundError(
                f"calls the function {node.op!r} of {node.domain} in {node} and imports no version "
                "of that domain"
            )
        return None if table.operator(node.domain, node.op, node.opset) else function

    def _call(self, into: list[Node], function: Proto, call: Node, depth: int) -> None:
        if depth > MAX_CALL_DEPTH:
            raise UnsoundError(
                f"calls functions {depth} deep, expected at most {MAX_CALL_DEPTH}, as more fill "
                "ONNX Runtime's stack"
            )
        self._called_nodes += len(function.node)
        if self._called_nodes > MAX_CALLED_NODES:
            raise UnsoundError(
                f"calls functions with more than {MAX_CALLED_NODES} nodes in all, which ONNX "
                "Runtime does not load in useful time"
            )
        if function_key(function) not in self._sorted:
            _refuse_disorder(function)
            self._sorted.add(function_key(function))
        names = dict(itertools.zip_longest(function.input, call.inputs, fillvalue=""))
        names |= {
            inner: outer
            for inner, outer in zip(function.output, call.outputs, strict=False)
            if outer
        }
        prefix = f"{function.name}#{next(self._calls)}/"
        given = {each.name: each for each in function.attribute_proto} | dict(call.attributes)

        def rename(name: str) -> str:
            if not name:
                return ""
            return names[name] if name in names else prefix + name

        self._nodes(into, function.node, rename, given, depth)


def function_key(function: Proto) -> FunctionKey:
    """What a node names a function by."""
    return domain_name(function.domain), function.name, function.overload


def _same(name: str) -> str:
    return name


def _values(values: Proto, rename: Rename, *, copied: bool) -> list[Proto]:
    if not copied:
        return list(values)
    renamed = []
    for value in values:
        copy = type(value)()
        copy.CopyFrom(value)
        copy.name = rename(value.name)
        renamed.append(copy)
    return renamed


def _referred(attribute: Proto, given: Mapping[str, Proto]) -> Proto | None:
    """The attribute of the call that a function's node refers to, under the node's name."""
    source = given.get(attribute.ref_attr_name)
    if source is None:
        return None
    copy = type(source)()
    copy.CopyFrom(source)
    copy.name = attribute.name
    return copy


def _refuse_arguments(function: Proto, call: Node) -> None:
    if len(call.inputs) > len(function.input):
        raise UnsoundError(
            f"calls the function {function.name!r} in {call} with {len(call.inputs)} inputs, "
            f"expected at most {len(function.input)}"
        )
    if len(call.outputs) != len(function.output):
        raise UnsoundError(
            f"calls the function {function.name!r} in {call} with {len(call.outputs)} outputs, "
            f"expected {len(function.output)}"
        )


def _refuse_disorder(function: Proto) -> None:
    known = {"", *function.input}
    for node in function.node:
        for name in node.input:
            if name not in known and node.op_type != CONSTANT:
                raise UnsoundError(
                    f"has the function {function.name!r}, in which {node.op_type} takes {name!r}, "
                    "which no node before it gives"
                )
        known.update(node.output)
