"""A file with guards before the nodes that need them: a run then fails where it would crash.

A guard picks place 0 of a vector of one number, or place 1 where the tensor has no elements, which
ONNX Runtime refuses as an index out of range, by the name of the node: that is the explanation. A
division of whole numbers by -1 becomes a change of sign.
"""

import mmap
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from types import MappingProxyType

from modelserver.artifact import protobuf
from modelserver.artifact.protobuf import LENGTH, Bytes
from modelserver.model.graph import messages
from modelserver.model.graph.messages import Table
from modelserver.model.guard import wire
from modelserver.model.guard.plan import Guards
from modelserver.model.guard.wire import BOOL, INT64

# Fields that hold a message which leads to nodes, by the kind of message.
_INNER: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "model": {7: "graph", 25: "function"},
        "graph": {1: "node"},
        "function": {7: "node"},
        "node": {5: "attribute"},
        "attribute": {6: "graph", 11: "graph"},
    }
)
_HEAD: Table = MappingProxyType(
    {1: ("inputs", messages.text), 2: ("outputs", messages.text), 4: ("op_type", messages.text)}
)

Change = Callable[[bytes], list[bytes]]


def guarded(path: Path, guards: Mapping[str, Guards]) -> bytes:
    """The content of an ONNX file, with guards for nodes that are named by their first output."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return guarded_bytes(content, guards)


def guarded_bytes(content: Bytes, guards: Mapping[str, Guards]) -> bytes:
    """As `guarded`, for bytes in memory."""
    numbers = count()

    def change(node: bytes) -> list[bytes]:
        head = messages.read(node, 0, len(node), _HEAD)
        guard = guards.get(next(iter(head["outputs"]), ""))
        if guard is None or messages.last(head, "op_type", "") != guard.op_type:
            return [node]
        prefix = f"modelserver/guard/{next(numbers)}"
        nodes, renamed = [], {}
        for index, name in enumerate(sorted(guard.elements | guard.nonzero)):
            new = f"{prefix}/{index}"
            nodes += _check(name, new, guard.op_type, is_number=name in guard.nonzero)
            renamed[name] = new
        if guard.element_type is not None:
            return nodes + _division(node, head["inputs"][1], prefix, guard)
        return [*nodes, _renamed(node, renamed)]

    return _rebuilt("model", content, 0, len(content), change)


def _rebuilt(kind: str, content: Bytes, start: int, end: int, change: Change) -> bytes:
    parts, position = [], start
    for number, wire_type, value, stop in protobuf.fields(content, start, end):
        inner = _INNER[kind].get(number) if wire_type == LENGTH else None
        if inner is None:
            parts.append(content[position:stop])
        else:
            body = _rebuilt(inner, content, value, stop, change)
            bodies = change(body) if inner == "node" else [body]
            parts += [wire.message(number, each) for each in bodies]
        position = stop
    return b"".join(parts)


def _check(name: str, new: str, operator: str, *, is_number: bool) -> list[bytes]:
    """Nodes that give the tensor again under a new name, or fail."""
    what = "a number other than 0" if is_number else "at least one element"
    why = f"{operator} needs {what} in {name!r} ({new})"
    looked = name if is_number else f"{new}/size"
    return [
        *([] if is_number else [wire.node("Size", [name], looked)]),
        wire.node("Cast", [looked], f"{new}/some", wire.cast(BOOL)),
        wire.node("Not", [f"{new}/some"], f"{new}/none"),
        wire.node("Cast", [f"{new}/none"], f"{new}/place", wire.cast(INT64)),
        wire.node("Constant", [], f"{new}/vector", wire.constant(INT64, 0, [1])),
        wire.node("Gather", [f"{new}/vector", f"{new}/place"], f"{new}/zero", name=why),
        wire.node("Shape", [name], f"{new}/shape"),
        wire.node("Add", [f"{new}/shape", f"{new}/zero"], f"{new}/same"),
        wire.node("Reshape", [name, f"{new}/same"], new),
    ]


def _division(node: bytes, divisor: str, prefix: str, guard: Guards) -> list[bytes]:
    """Nodes that divide by 1 where the divisor is -1, and change the sign of what comes out."""
    kind = guard.element_type or INT64
    minus, one, two, is_minus, twice, safe, sign, result = (
        f"{prefix}/{word}"
        for word in ("minus", "one", "two", "is", "twice", "safe", "sign", "result")
    )
    before = [
        *(
            wire.node("Constant", [], name, wire.constant(kind, value))
            for name, value in ((minus, -1), (one, 1), (two, 2))
        ),
        wire.node("Equal", [divisor, minus], f"{is_minus}/truth"),
        wire.node("Cast", [f"{is_minus}/truth"], is_minus, wire.cast(kind)),
        wire.node("Mul", [is_minus, two], twice),
        wire.node("Add", [divisor, twice], safe),
    ]
    if guard.op_type == "Mod":
        return [*before, _renamed(node, {divisor: safe}, only=1)]
    output = messages.read(node, 0, len(node), _HEAD)["outputs"][0]
    return [
        *before,
        _renamed(node, {divisor: safe}, only=1, output=result),
        wire.node("Sub", [one, twice], sign),
        wire.node("Mul", [result, sign], output),
    ]


def _renamed(
    node: bytes, names: Mapping[str, str], only: int | None = None, output: str | None = None
) -> bytes:
    """The node with other inputs (`only` the one at that place), and perhaps another output."""
    parts, position, place = [], 0, count()
    for number, wire_type, value, stop in protobuf.fields(node, 0, len(node)):
        part = node[position:stop]
        if number == 1 and wire_type == LENGTH:
            (name,) = messages.text(node, wire_type, value, stop)
            if only in {None, next(place)} and name in names:
                part = wire.text(1, names[name])
        elif number == 2 and output is not None:  # noqa: PLR2004 - the field of outputs
            part = wire.text(2, output)
        parts.append(part)
        position = stop
    return b"".join(parts)
