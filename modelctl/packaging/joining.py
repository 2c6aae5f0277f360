"""Graphs that are joined to one: what comes before a model, the model, what comes after.

The bytes that a client sends are then what the digest of the release covers, from the first step.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelctl.packaging import apart
from modelctl.packaging.normalise import walking

_Proto = Any  # protobuf messages carry no types here


def joined(first: bytes, second: bytes, part: str) -> bytes:
    """One graph that gives what the first makes to the second.

    Outputs of the first are inputs of the second by name, or as the only ones there are. Names
    inside the second begin with those of its part from then on.

    Raises:
        UsageError: They do not fit together.
    """
    return _made({"do": "join", "part": part}, first, second)


def renamed(model: bytes, names: Mapping[str, str]) -> bytes:
    """The model with other names for inputs and outputs.

    Raises:
        UsageError: A new name has another use in the graph.
    """
    return _made({"do": "rename", "names": dict(names)}, model)


def _made(request: Mapping[str, object], *models: bytes) -> bytes:
    with apart.folder() as folder:
        for number, model in enumerate(models):
            (folder / f"{number}.onnx").write_bytes(model)
        apart.asked(reply, {**request, "folder": str(folder)})
        return (folder / "out.onnx").read_bytes()


def reply(request: bytes) -> str:
    """What the child answers; the model is written beside those it was given."""
    return apart.answered(_done, request)


def _done(fields: dict[str, Any]) -> Mapping[str, object]:
    import onnx  # noqa: PLC0415 - the child alone needs it

    folder = Path(fields["folder"])
    model = onnx.load(folder / "0.onnx")
    if fields["do"] == "join":
        model = _join(model, onnx.load(folder / "1.onnx"), fields["part"])
    else:
        _rename(model, fields["names"])
    onnx.checker.check_model(model)
    (folder / "out.onnx").write_bytes(model.SerializeToString(deterministic=True))
    return {}


def _join(first: _Proto, second: _Proto, part: str) -> _Proto:
    from onnx import compose  # noqa: PLC0415 - the child alone needs it

    pairs = _pairs(_names(first.graph.output), _inputs(second))
    _rename(second, _apart(second, {inner for _, inner in pairs}, part))
    for node in walking.messages(second, "NodeProto"):
        node.name = node.name and f"{part}/{node.name}"
    pairs = [(outer, f"{part}/{inner}") for outer, inner in pairs]
    given = {outer for outer, _ in pairs}
    kept = _names(second.graph.output)
    clashing = {name: f"{part}.{name}" for name in given & set(kept)}
    _rename(first, clashing)
    pairs = [(clashing.get(outer, outer), inner) for outer, inner in pairs]
    first, second = _of_one_version(first, second)
    merged = compose.merge_models(first, second, io_map=pairs)
    for field in ("producer_name", "producer_version", "model_version"):
        merged.ClearField(field)
    return merged


def _apart(second: _Proto, inputs: set[str], part: str) -> dict[str, str]:
    """Other names for what is inside the second graph, and for its inputs that are given."""
    outputs = set(_names(second.graph.output))
    inside = {name for node in second.graph.node for name in node.output if name} - outputs
    constants = {each.name for each in second.graph.initializer}
    return {name: f"{part}/{name}" for name in inside | constants | inputs}


def _names(values: Sequence[_Proto]) -> list[str]:
    return [value.name for value in values]


def _inputs(model: _Proto) -> list[str]:
    constants = {each.name for each in model.graph.initializer}
    return [value.name for value in model.graph.input if value.name not in constants]


def _pairs(outputs: Sequence[str], inputs: Sequence[str]) -> list[tuple[str, str]]:
    if set(inputs) <= set(outputs):
        return [(name, name) for name in inputs]
    if len(inputs) == 1 and len(outputs) == 1:
        return [(outputs[0], inputs[0])]
    common = [(name, name) for name in inputs if name in outputs]
    if common:
        return common
    raise ValueError(
        f"found a first graph that gives {', '.join(outputs)} and a second that takes "
        f"{', '.join(inputs)}, expected the same names: rename the outputs of the first"
    )


def _rename(model: _Proto, names: Mapping[str, str]) -> None:
    """Give values other names wherever they are, in subgraphs as well."""
    for node in walking.messages(model, "NodeProto"):
        for side in (node.input, node.output):
            side[:] = [names.get(name, name) for name in side]
    graph = model.graph
    for values in (graph.input, graph.output, graph.value_info, graph.initializer):
        for value in values:
            value.name = names.get(value.name, value.name)


def _of_one_version(*models: _Proto) -> list[_Proto]:
    """The graphs with the newest of their operator sets and file formats."""
    from onnx import version_converter  # noqa: PLC0415 - the child alone needs it

    newest = max(_opset(model) for model in models)
    raised = [
        model if _opset(model) in (newest, 0) else version_converter.convert_version(model, newest)
        for model in models
    ]
    for model in raised:
        model.ir_version = max(each.ir_version for each in raised)
        sets = {each.domain: each.version for one in raised for each in one.opset_import}
        for each in model.opset_import:
            if each.domain and each.version != sets[each.domain]:
                raise ValueError(
                    f"found {each.domain} in the versions {each.version} and {sets[each.domain]}, "
                    "expected one: export both graphs with the same"
                )
    return raised


def _opset(model: _Proto) -> int:
    standard = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
    return max(standard, default=0)
