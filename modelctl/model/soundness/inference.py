"""Whether the types and shapes of values fit, node by node, as ONNX Runtime follows them.

What ONNX Runtime infers and ONNX cannot, such as of com.microsoft's operators, is not known here
and refused nowhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelctl.model.soundness import (
    asking,
    definitions,
    flow,
    folding,
    kernels,
    operators,
    settings,
    structure,
    types,
)
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.scope import Scope, opened
from modelctl.model.soundness.table import Operator, Parameter
from modelctl.model.soundness.view import CONSTANT, Body, Node, Proto, Viewer

_Kinds = list[Proto | None]


@dataclass(slots=True)
class Inference:
    """Follows the types of one model; `without_kernel` is the first node that no CPU can run.

    A definition of an operator by others differs between releases of ONNX in its shapes: with
    `in_definition`, those are not looked at.
    """

    ir_version: int
    opsets: Mapping[str, int]
    viewer: Viewer
    in_definition: bool = False
    without_kernel: str = ""

    def run(self, body: Body, outer: Scope | None, given: Sequence[Proto | None] | None) -> _Kinds:
        """The types of a graph's outputs, from those that are given for its inputs.

        Raises `UnsoundError`: a type or a shape is wrong, or an operator is called wrongly.
        """
        scope = opened(body, outer, given, self.ir_version)
        removed = structure.without_kernels(body)
        for node in body.nodes:
            if node.op != CONSTANT:
                self._node(node, scope, unneeded=id(node) in removed)
            elif outer is not None and node.domain == "ai.onnx":
                operators.called(node)
        return [scope.kind(value.name) for value in body.outputs]

    def _node(self, node: Node, scope: Scope, *, unneeded: bool) -> None:
        operator = operators.called(node)
        kinds = [scope.kind(name) if name else None for name in node.inputs]
        bound = _bound(node, operator, kinds)
        inferred = self._inferred(node, operator, scope, kinds)
        for place, name in enumerate(node.outputs):
            formal = operators.formal(operator.outputs, place)
            known = (bound.get(formal.types) if formal.mark != "~" else "") or _only(
                operator, formal
            )
            if name:
                kind = inferred[place] if inferred else None
                scope.kinds[name] = found = _output(node, name, scope, known, kind)
                if inferred and not (node.graphs or self.in_definition or types.name(found)):
                    raise UnsoundError(f"has {node} ({node.op}) with {name!r} of no certain type")
        outputs = [scope.kinds[name] if name else None for name in node.outputs]
        _fold(node, scope, kinds)
        if not self.without_kernel and not unneeded:
            self.without_kernel = self._missing(node, operator, kinds, outputs, scope)

    def _inferred(
        self, node: Node, operator: Operator, scope: Scope, kinds: _Kinds
    ) -> _Kinds | None:
        """The types that follow from the inputs, None where nothing is known of them."""
        if node.graphs:

            def run(name: str, given: _Kinds | None) -> _Kinds:
                return self.run(node.graphs[name], scope, given)

            return flow.outputs(node, kinds, run)
        pairs = zip(node.inputs, kinds, strict=True)
        schema = definitions.schema(node.domain, node.op, operator.since)
        if schema is None or any(name and not types.name(kind) for name, kind in pairs):
            return None
        if not schema.has_type_and_shape_inference_function:
            return None
        data = [scope.constant(name) if name else None for name in node.inputs]
        try:
            found = asking.outputs(node, kinds, data)
        except UnsoundError:
            if not self.in_definition:
                raise
            return None
        return [found.get(name) for name in node.outputs]

    def _missing(
        self, node: Node, operator: Operator, kinds: _Kinds, outputs: _Kinds, scope: Scope
    ) -> str:
        """Why the CPU provider cannot run a node; empty where it can."""
        if kernels.has(node, operator, kinds, outputs):
            return settings.problem(node)
        if definitions.is_own(node, operator.since):
            return ""
        bodies = list(definitions.bodies(node, operator.since, kinds))
        wider = kernels.has_wider(node, operator, kinds, outputs, self.opsets["ai.onnx"])
        if not bodies and wider:
            return settings.problem(node)
        defaults = definitions.defaults(node, operator.since)
        expanded = (self.viewer.expanded(function, node, defaults) for function in bodies)
        if any(self._can_run(body, scope) for body in expanded):
            return ""
        return kernels.sentence(node, kinds)

    def _can_run(self, body: Body, scope: Scope) -> bool:
        within = Inference(self.ir_version, self.opsets, self.viewer, in_definition=True)
        try:
            within.run(body, scope, None)
        except UnsoundError:
            return False
        return not within.without_kernel


def _fold(node: Node, scope: Scope, kinds: _Kinds) -> None:
    data = [scope.constant(name) if name else None for name in node.inputs]
    small = [tensor if asking.is_small(tensor) else None for tensor in data]
    constant = folding.folded(node, kinds, small)
    if constant is not None:
        scope.constants[node.outputs[0]] = constant


def _bound(node: Node, operator: Operator, kinds: _Kinds) -> dict[str, str]:
    """The type that each name of types stands for in this call."""
    bound: dict[str, str] = {}
    for place, (name, kind) in enumerate(zip(node.inputs, kinds, strict=True)):
        found = types.name(kind)
        if not name or not found:
            continue
        formal = operators.formal(operator.inputs, place)
        if found not in operator.allowed(formal):
            raise UnsoundError(
                f"calls {node.operator} in {node} with {name!r} of {found}, which it does not take"
            )
        before = bound.setdefault(formal.types, found) if formal.mark != "~" else found
        if before != found:
            raise UnsoundError(
                f"calls {node.operator} in {node} with {name!r} of {found} beside {before}"
            )
    return bound


def _only(operator: Operator, formal: Parameter) -> str:
    """The type of an output that can have no other."""
    allowed = operator.allowed(formal)
    return next(iter(allowed)) if len(allowed) == 1 else ""


def _output(
    node: Node, name: str, scope: Scope, known: str, inferred: Proto | None
) -> Proto | None:
    declared = types.sane(scope.declared[name]) if name in scope.declared else None
    stands, found = types.name(declared), known or types.name(inferred)
    if stands and found and stands != found:
        raise UnsoundError(
            f"has {node} ({node.op}) with the output {name!r} of {found}, declared as {stands}"
        )
    if inferred is not None and found and types.name(inferred) == found:
        return types.merged(inferred, declared) if declared is not None else inferred
    if declared is not None:
        return declared
    return types.of_name(found)
