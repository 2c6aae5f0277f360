"""Versions that the server's ONNX Runtime loads: of the file format, and of operators.

The file format's is lowered, as versions of it only add fields. Operators' are converted by ONNX's
own converter, and only where it is sound: it knows the standard's operators in a flat graph.
"""

from typing import Any

from modelctl.model.onnxruntime_support import MAX_IR_VERSION, OPSETS
from modelctl.packaging.normalise import walking

_Proto = Any  # protobuf messages carry no types here

_STANDARD = "ai.onnx"


def apply(model: _Proto) -> list[str]:
    """One version for each domain, none too high, and none of the standard too low."""
    return [*_once(model), *_file_format(model), *_operators(model)]


def _once(model: _Proto) -> list[str]:
    """Of a domain that is declared several times the last counts, as for ONNX Runtime."""
    versions = {each.domain.replace(_STANDARD, "") if each.domain == _STANDARD else each.domain:
                each.version for each in model.opset_import}  # fmt: skip
    if len(versions) == len(model.opset_import):
        return []
    del model.opset_import[:]
    for domain, version in versions.items():
        model.opset_import.add(domain=domain, version=version)
    return ["each operator set is declared once"]


def _file_format(model: _Proto) -> list[str]:
    found = model.ir_version
    if found <= MAX_IR_VERSION:
        return []
    model.ir_version = MAX_IR_VERSION
    return [f"the IR version is {MAX_IR_VERSION} instead of {found}, the highest that is loaded"]


def _operators(model: _Proto) -> list[str]:
    low, high = OPSETS[_STANDARD]
    standard = next((e for e in model.opset_import if e.domain in {"", _STANDARD}), None)
    if standard is None or low <= standard.version <= high or not _is_flat(model):
        return []
    found, wanted = standard.version, low if standard.version < low else high
    converted = _converted(model, wanted)
    if converted is None:
        return []
    model.CopyFrom(converted)
    return [f"the operators are those of set {wanted} instead of {found}, which is not loaded"]


def _is_flat(model: _Proto) -> bool:
    """Whether all is of the standard, and no node holds a graph."""
    nodes = list(walking.messages(model, "NodeProto"))
    return (
        not model.functions
        and len(nodes) == len(model.graph.node)
        and all(node.domain in {"", _STANDARD} for node in nodes)
    )


def _converted(model: _Proto, version: int) -> _Proto | None:
    """The model with that operator set, None where ONNX cannot convert or check it."""
    from onnx import checker, version_converter  # noqa: PLC0415 - the child alone needs it

    try:
        converted = version_converter.convert_version(model, version)
        converted.ir_version = max(model.ir_version, 4)
        checker.check_model(converted, full_check=True)
    except Exception:  # noqa: BLE001 - both raise what they like; the check refuses it in words
        return None
    return converted
