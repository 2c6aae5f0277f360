"""Whether a model's functions can be: what ONNX Runtime asks of each, be it called or not."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelctl.model.soundness import table, versions
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.view import FunctionKey, domain_name, function_key

_Proto = Any  # protobuf messages carry no types here


def check(model: _Proto) -> None:
    """Raises `UnsoundError`: a function is there twice, calls itself or has no body that works."""
    functions: dict[FunctionKey, _Proto] = {}
    for function in model.functions:
        if function_key(function) in functions:
            raise UnsoundError(f"has the function {function.name!r} twice")
        functions[function_key(function)] = function
    for function in functions.values():
        _check(function)
    _refuse_recursion(functions)


def _check(function: _Proto) -> None:
    name = function.name
    opsets = {each.domain: each.version for each in function.opset_import}
    versions.refuse_too_new({domain_name(domain): version for domain, version in opsets.items()})
    for domain, version in opsets.items():
        if version < 1:
            raise UnsoundError(f"has the function {name!r} with {domain_name(domain)} {version}")
    for node in every_node(function.node):
        _check_node(node, name, opsets)
    given = {output for node in function.node for output in node.output}
    for output in function.output:
        if output not in given:
            raise UnsoundError(f"has the function {name!r} whose output {output!r} no node gives")
    if len(set(function.output)) < len(function.output):
        raise UnsoundError(f"has the function {name!r} with two outputs of the same name")


def _check_node(node: _Proto, function: str, opsets: Mapping[str, int]) -> None:
    if node.domain not in opsets:
        raise UnsoundError(
            f"has the function {function!r}, which calls {node.op_type} of "
            f"{domain_name(node.domain)} and imports no version of it"
        )
    known = table.operator(domain_name(node.domain), node.op_type, opsets[node.domain])
    if known is None or known.removed:
        return
    variadic = known.inputs and known.inputs[-1].variadic
    most = len(node.input) if variadic else len(known.inputs)
    if not known.least_inputs <= len(node.input) <= most:
        raise UnsoundError(
            f"has the function {function!r}, which calls {node.op_type} with {len(node.input)} "
            f"inputs, expected {known.least_inputs} to {most}"
        )


def every_node(nodes: _Proto) -> Iterator[_Proto]:
    """The nodes and those of every graph in them."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                pending += attribute.g.node


def _refuse_recursion(functions: Mapping[FunctionKey, _Proto]) -> None:
    calls = {
        key: {
            called
            for node in every_node(function.node)
            if (called := (domain_name(node.domain), node.op_type, node.overload)) in functions
        }
        for key, function in functions.items()
    }
    while leaves := [key for key, called in calls.items() if not called]:
        for key in leaves:
            del calls[key]
        for callees in calls.values():
            callees.difference_update(leaves)
    for _, name, _ in calls:
        raise UnsoundError(
            f"has the function {name!r}, which calls itself, at once or through others"
        )
