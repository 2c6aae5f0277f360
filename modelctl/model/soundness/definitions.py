"""Operators that ONNX defines by others, which take their place where there is no kernel."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from modelctl.model.soundness import table
from modelctl.model.soundness.view import Node, Proto, domain_name, onnx_domain

_Schema = Any  # onnx has no types

# What ONNX Runtime alone defines by other operators, where it has no kernel for the types.
_OWN = frozenset(
    {
        ("ai.onnx", "LayerNormalization", 1),
        ("com.microsoft", "FastGelu", 1),
        ("com.microsoft", "QuickGelu", 1),
    }
)


def is_own(node: Node, since: int) -> bool:
    """Whether the runtime has a definition of its own, which is not known here."""
    return (node.domain, node.op, since) in _OWN


@cache
def schema(domain: str, name: str, since: int) -> _Schema | None:
    """What ONNX says of an operator as of exactly that version, None where it does not know it."""
    from onnx import defs  # noqa: PLC0415 - a quarter second

    try:
        found = defs.get_schema(name, since, onnx_domain(domain))
    except defs.SchemaError:
        return None
    return found if found.since_version == since else None


def bodies(node: Node, since: int, kinds: Sequence[Proto | None]) -> Iterator[Proto]:
    """The functions that may stand for a node's operator, none where it is defined by itself."""
    from onnx import FunctionProto  # noqa: PLC0415 - a quarter second

    known = schema(node.domain, node.op, since)
    if known is None or None in [k for n, k in zip(node.inputs, kinds, strict=True) if n]:
        return
    given = [kind.SerializeToString() if kind else b"" for kind in kinds]
    content = node.proto().SerializeToString()
    for version in known.context_dependent_function_opset_versions:
        if version <= node.opset:
            try:
                body = known.get_context_dependent_function_with_opset_version(
                    version, content, given
                )
            except ValueError:
                continue
            function = FunctionProto.FromString(body)
            if function.node:
                yield function
    if known.has_function and (body := known.get_function_with_opset_version(node.opset)):
        function = FunctionProto.FromString(body)
        if _is_current(function, node.opset):
            yield function


def defaults(node: Node, since: int) -> dict[str, Proto]:
    """The attributes that the operator gives a node that has none of that name."""
    known = schema(node.domain, node.op, since)
    given = known.attributes.values() if known is not None else ()
    return {each.name: each.default_value for each in given if each.default_value.name}


def _is_current(function: Proto, opset: int) -> bool:
    """Whether the operators of a body are still those of the version that it is written for."""
    written = {each.domain: each.version for each in function.opset_import}.get("", opset)
    return all(
        table.operator(domain_name(node.domain), node.op_type, written)
        == table.operator(domain_name(node.domain), node.op_type, opset)
        for node in function.node
        if written != opset and domain_name(node.domain) == "ai.onnx"
    )
