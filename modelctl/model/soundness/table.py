"""The operators and the CPU kernels that the pinned ONNX Runtime has.

`operators.json` is read from the installed onnxruntime by `tests/operator_table.py`; a test
compares the two. Its sets of types are numbered, since the same few stand at most operators.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("operators.json")
_NO_END = 1 << 31
_MARKS = "?*~"


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input or output: `mark` is ? for optional, * for any number, ~ for any number and types.

    `types` is the name of a set of types of the operator, or a type.
    """

    name: str
    types: str
    mark: str

    @property
    def variadic(self) -> bool:
        """Whether it stands for any number of tensors."""
        return self.mark in ("*", "~")


@dataclass(frozen=True, slots=True)
class Attribute:
    """Its kind by the name in onnx.AttributeProto.AttributeType."""

    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator as of one version of its domain."""

    since: int
    removed: bool
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    least_inputs: int
    least_outputs: int
    types: Mapping[str, frozenset[str]]
    attributes: Mapping[str, Attribute]

    def allowed(self, parameter: Parameter) -> frozenset[str]:
        """The types that a parameter may have."""
        return self.types.get(parameter.types) or frozenset({parameter.types})


@dataclass(frozen=True, slots=True)
class Kernel:
    """An implementation for operators of the versions `first` to `last`, with certain types."""

    first: int
    last: int
    types: Mapping[str, frozenset[str]]

    def is_of(self, since: int) -> bool:
        """Whether it implements the operator of that version: one without end is of one version."""
        return since == self.first or (self.first < since <= self.last and self.last != _NO_END)


def operator(domain: str, name: str, version: int) -> Operator | None:
    """The operator as a model with that version of the domain means it."""
    known = [each for each in _operators(f"{domain} {name}") if each.since <= version]
    return known[-1] if known else None


@cache
def kernels(domain: str, name: str) -> tuple[Kernel, ...]:
    """Every CPU kernel of an operator."""
    return tuple(map(_kernel, _table()["kernels"].get(f"{domain} {name}", ())))


@cache
def newer_checks() -> tuple[str, ...]:
    """Words of what ONNX's inference refuses and the runtime, whose copy is older, does not."""
    return tuple(_table()["newer_checks"])


@cache
def _table() -> Any:  # noqa: ANN401 - what JSON can hold
    return json.loads(_TABLE.read_bytes())


@cache
def _types(number: int) -> frozenset[str]:
    return frozenset(_table()["types"][number].split())


@cache
def _operators(key: str) -> tuple[Operator, ...]:
    return tuple(map(_operator, _table()["operators"].get(key, ())))


def _operator(fields: Sequence[Any]) -> Operator:
    since, *rest = fields
    if not rest:
        return Operator(since, True, (), (), 0, 0, {}, {})  # noqa: FBT003 - removed
    inputs, outputs, (least_inputs, least_outputs), types, attributes = rest
    return Operator(
        since=since,
        removed=False,
        inputs=_parameters(inputs),
        outputs=_parameters(outputs),
        least_inputs=least_inputs,
        least_outputs=least_outputs,
        types={name: _types(number) for name, number in types.items()},
        attributes=dict(map(_attribute, attributes.split())),
    )


def _parameters(text: str) -> tuple[Parameter, ...]:
    parameters = []
    for word in text.split():
        name, _, types = word.partition(":")
        mark = types[-1] if types[-1] in _MARKS else ""
        parameters.append(Parameter(name, types.removesuffix(mark), mark))
    return tuple(parameters)


def _attribute(text: str) -> tuple[str, Attribute]:
    name, _, kind = text.partition(":")
    return name, Attribute(kind.removesuffix("!"), kind.endswith("!"))


def _kernel(text: str) -> Kernel:
    versions, *types = text.split()
    first, _, last = versions.partition("-")
    pairs = (word.partition("=") for word in types)
    return Kernel(
        int(first), int(last or _NO_END), {name: _types(int(set_)) for name, _, set_ in pairs}
    )
