"""The versions that a model declares, held against those that the pinned ONNX Runtime loads."""

from collections.abc import Mapping
from typing import Any

from modelctl.model.onnxruntime_support import MAX_IR_VERSION, ONNXRUNTIME, OPSETS
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.view import domain_name

_Proto = Any  # protobuf messages carry no types here


def opsets(model: _Proto) -> dict[str, int]:
    """The version of each domain: the last that is declared, or the runtime's highest.

    Raises `UnsoundError`: a version is missing, or higher than what the runtime loads.
    """
    if not model.HasField("ir_version"):
        raise UnsoundError("has no IR version")
    if model.ir_version > MAX_IR_VERSION:
        raise UnsoundError(
            f"has the IR version {model.ir_version}, expected at most {MAX_IR_VERSION} for ONNX "
            f"Runtime {ONNXRUNTIME}"
        )
    if not model.opset_import:
        raise UnsoundError("has no operator set")
    declared = {domain_name(each.domain): each.version for each in model.opset_import}
    refuse_too_new(declared)
    return {domain: highest for domain, (_, highest) in OPSETS.items()} | declared


def refuse_too_new(declared: Mapping[str, int]) -> None:
    """Raises `UnsoundError`: a version is higher than what the runtime loads."""
    for domain, version in declared.items():
        if domain in OPSETS and version > OPSETS[domain][1]:
            raise UnsoundError(
                f"needs the operator set {domain} {version}, expected at most "
                f"{OPSETS[domain][1]} for ONNX Runtime {ONNXRUNTIME}"
            )
