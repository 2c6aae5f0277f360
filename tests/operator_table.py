"""The table of operators that ONNX Runtime knows, read from the installed one.

`python tests/operator_table.py` writes it anew, as after an update of onnxruntime.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from scratch import PROJECT

TABLE = PROJECT / "modelctl/model/soundness/operators.json"
_NO_END = 2**31 - 1
_REFUSAL = re.compile(r"fail_(?:shape|type)_inference\(([^;]*)\);")
_WORDS = re.compile(r'"((?:[^"\\\\]|\\\\.)*)"')
_PRINTABLE = re.compile(rb"[\t-~]{4,}")
_TELLING = 16
"""Fewer letters may stand in many messages."""
_ATTRIBUTE_KINDS = (
    *("", "FLOAT", "INT", "STRING", "TENSOR", "GRAPH", "FLOATS", "INTS", "STRINGS", "TENSORS"),
    *("GRAPHS", "SPARSE_TENSOR", "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS"),
)
_Types = frozenset[str]
_Schema = Any  # ONNX Runtime has no types


def table() -> dict[str, Any]:
    """Every schema and every kernel of the CPU, sets of types by number."""
    sets: dict[_Types, int] = {}
    operators = _schemas(sets)
    kernels = _kernels(sets)
    return {
        "source": f"onnxruntime {onnxruntime.__version__}, CPUExecutionProvider; "
        "written by tests/operator_table.py",
        "types": [" ".join(sorted(types)) for types in sets],
        "operators": operators,
        "kernels": kernels,
        "newer_checks": _newer_checks(),
    }


def text() -> str:
    """The table as JSON, an operator a line."""
    value = table()
    return "{\n" + ",\n".join(_section(name, part) for name, part in value.items()) + "\n}\n"


def _section(name: str, part: Any) -> str:  # noqa: ANN401 - what JSON can hold
    if isinstance(part, list):
        return f'"{name}": [\n' + ",\n".join(map(json.dumps, part)) + "\n]"
    if isinstance(part, dict):
        lines = (f"{json.dumps(key)}: {_dumps(value)}" for key, value in sorted(part.items()))
        return f'"{name}": {{\n' + ",\n".join(lines) + "\n}"
    return f'"{name}": {json.dumps(part)}'


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _number(sets: dict[_Types, int], types: Iterable[str]) -> int:
    """The number of a set of types, each without spaces and maps by their tensors' names."""
    return sets.setdefault(frozenset(map(_normal, types)), len(sets))


def _normal(name: str) -> str:
    """`map(int64,tensor(float))` of kernels and `map(int64, float)` of schemas are the latter."""
    compact = name.replace(" ", "")
    if "map(" in compact:
        before, inner = compact.split("map(")
        key, _, value = inner.partition(",")
        compact = f"{before}map({key},{value.replace('tensor(', '').replace('))', ')')}"
        compact += ")" if compact.count("(") > compact.count(")") else ""
    return compact


def _key(domain: str, name: str) -> str:
    return f"{domain or 'ai.onnx'} {name}"


def _schemas(sets: dict[_Types, int]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    every = sorted(ort.get_all_operator_schema(), key=lambda s: (s.domain, s.name, s.since_version))
    for schema in every:
        found.setdefault(_key(schema.domain, schema.name), []).append(_schema(schema, sets))
    return found


def _schema(schema: _Schema, sets: dict[_Types, int]) -> list[Any]:
    """Version, inputs, outputs, their least numbers, types by name and attributes."""
    if schema.deprecated:
        return [schema.since_version]
    return [
        schema.since_version,
        " ".join(map(_parameter, schema.inputs)),
        " ".join(map(_parameter, schema.outputs)),
        [schema.min_input, schema.min_output],
        {
            constraint.type_param_str: _number(sets, constraint.allowed_type_strs)
            for constraint in schema.type_constraints
        },
        " ".join(_attribute(name, one) for name, one in sorted(schema.attributes.items())),
    ]


def _parameter(parameter: Any) -> str:  # noqa: ANN401 - ONNX Runtime has no types
    """`name:type`, and a mark: ? may be left out, * any number, ~ any number of any types."""
    mark = ("", "?", "*" if parameter.isHomogeneous else "~")[int(parameter.option)]
    return f"{parameter.name}:{parameter.typeStr}{mark}"


def _attribute(name: str, attribute: Any) -> str:  # noqa: ANN401 - ONNX Runtime has no types
    """`name:KIND`, with ! where it is required."""
    # The bindings name some kinds wrongly; the numbers are those of onnx.AttributeProto.
    kind = _ATTRIBUTE_KINDS[int(attribute.type)]
    return f"{name}:{kind}{'!' if attribute.required else ''}"


def _kernels(sets: dict[_Types, int]) -> dict[str, list[str]]:
    """Kernels that differ in the set of one single type are one with all those sets' types."""
    found: dict[str, dict[Any, dict[str, _Types]]] = {}
    for kernel in ort.get_all_opkernel_def():
        if kernel.provider == "CPUExecutionProvider":
            types = {name: frozenset(allowed) for name, allowed in kernel.type_constraints.items()}
            alike = found.setdefault(_key(kernel.domain, kernel.op_name), {})
            several = tuple(sorted((name, sorted(t)) for name, t in types.items()))
            same = tuple(types) if len(types) == 1 else str(several)
            before = alike.setdefault((*kernel.version_range, same), types)
            before |= {name: before[name] | allowed for name, allowed in types.items()}
    return {
        key: sorted(
            _kernel(first, last, {name: _number(sets, types[name]) for name in sorted(types)})
            for (first, last, _), types in found[key].items()
        )
        for key in sorted(found)
    }


def _kernel(first: int, last: int, types: dict[str, int]) -> str:
    """`first-last name=set …`, without a last version where it is open."""
    end = "" if last == _NO_END else str(last)
    return " ".join([f"{first}-{end}", *(f"{name}={number}" for name, number in types.items())])


def _newer_checks() -> list[str]:
    """Words of ONNX's messages that are not in ONNX Runtime's library, whose copy is older."""
    files = Path(ort.__file__).parent.glob("*.so*")
    library = b"\n".join(run for file in files for run in _PRINTABLE.findall(file.read_bytes()))
    sources = Path(onnx.__file__).parent.glob("**/*.[ch]*")
    words = {
        word.encode().decode("unicode_escape")
        for source in sources
        if source.suffix in (".cc", ".h")
        for call in _REFUSAL.findall(source.read_text("utf-8"))
        for word in _WORDS.findall(call)
    }
    return sorted(w for w in words if len(w) >= _TELLING and w.encode() not in library)


if __name__ == "__main__":
    sys.stdout.write(f"{TABLE}\n")
    TABLE.write_text(text(), "utf-8")
