"""The values of one graph and what is known of them: types, constants, what the file declares."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from modelctl.model.soundness import constants, structure, tensors, types
from modelctl.model.soundness.constants import Constants
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.view import CONSTANT, LAST_DECLARED_INITIALIZERS, Body, Proto


@dataclass(slots=True)
class Scope:
    """The values of one graph; those of the graph around it are in `outer`.

    A type is None where it is not known. `constants` are tensors that no caller can replace.
    """

    outer: "Scope | None"
    kinds: dict[str, Proto | None] = field(default_factory=dict)
    constants: dict[str, Proto] = field(default_factory=dict)
    declared: dict[str, Proto] = field(default_factory=dict)

    def kind(self, name: str) -> Proto | None:
        """The type of a value."""
        return scope.kinds[name] if (scope := self._of(name)) else None

    def constant(self, name: str) -> Proto | None:
        """The tensor of a constant, None where the value is none."""
        return scope.constants.get(name) if (scope := self._of(name)) else None

    def _of(self, name: str) -> "Scope | None":
        scope: Scope | None = self
        while scope is not None and name not in scope.kinds:
            scope = scope.outer
        return scope


def opened(
    body: Body, outer: Scope | None, given: Sequence[Proto | None] | None, ir_version: int
) -> Scope:
    """The values that a graph starts with: inputs and constants.

    Raises `UnsoundError`: `given`, the types from outside, or constants do not fit the inputs.
    """
    scope = Scope(outer)
    found = constants.of(body)
    for value in (*body.declared, *reversed(body.outputs)):  # the first of several is meant
        if value.HasField("type"):
            scope.declared[value.name] = value.type
    for value in reversed(body.inputs):
        scope.kinds[value.name] = _input(value, inner=outer is not None)
    if given is not None:
        _give(scope, body, given, found.tensors)
    inputs = {value.name for value in body.inputs}
    fixed = ir_version <= LAST_DECLARED_INITIALIZERS
    for name, tensor in found.tensors.items():
        _bring(scope, name, tensor, replaceable=name in inputs)
        if (fixed or name not in inputs) and name not in found.sparse:
            scope.constants[name] = tensor
    _check_data(body, found, inputs, fixed=fixed)
    return scope


def _input(value: Proto, *, inner: bool) -> Proto | None:
    """The type of an input; that of an inner graph may come from outside alone."""
    if value.HasField("type"):
        types.name(value.type)
        return types.sane(value.type)
    if inner:
        return None
    raise UnsoundError(f"has the input {value.name!r} without a type")


def _give(
    scope: Scope, body: Body, given: Sequence[Proto | None], defaults: Collection[str]
) -> None:
    names = [value.name for value in body.inputs]
    if len(names) != len(given):
        names = [name for name in names if name not in defaults]
    if len(names) != len(given):
        raise UnsoundError(
            f"has the inner graph {body.name!r} with {len(names)} inputs, expected {len(given)}"
        )
    for name, kind in zip(names, given, strict=True):
        declared = scope.kinds[name]
        if kind is None or declared is None:
            scope.kinds[name] = kind or declared
            continue
        ours, theirs = types.name(declared), types.name(kind)
        if (ours and theirs and ours != theirs) or not types.agree(kind, declared):
            raise UnsoundError(
                f"has the inner graph {body.name!r} with the input {name!r} of {ours}, which is "
                f"given {theirs}, or another shape"
            )
        scope.kinds[name] = types.merged(kind, declared) if theirs else declared


def _bring(scope: Scope, name: str, tensor: Proto, *, replaceable: bool) -> None:
    kind = types.of_tensor(tensor)
    declared = scope.kinds.get(name)
    if not replaceable or declared is None:
        scope.kinds[name] = kind
    elif types.name(declared) != types.name(kind) or not types.agree(kind, declared):
        raise UnsoundError(
            f"has the initializer {name!r} of {types.name(kind)} and the shape "
            f"{list(tensor.dims)}, which is not what the input of that name declares"
        )


def _check_data(body: Body, found: Constants, inputs: Collection[str], *, fixed: bool) -> None:
    """Look at the data of what is used; the runtime drops other initializers unread.

    `fixed` are models in which an input with an initializer is none that a caller can give.
    """
    used = {value.name for value in body.outputs}
    used |= {name for name in inputs if not (fixed and name in found.tensors)}
    for node in body.nodes:
        if node.op != CONSTANT:
            used.update(structure.needs(node))
    for name, tensor in found.tensors.items():
        if fixed and name not in used and name not in inputs:
            raise UnsoundError(
                f"has the initializer {name!r}, which no node takes and no input declares, as this "
                "IR version asks"
            )
        if name in used and name not in found.sparse:
            tensors.refuse_bad_data(tensor, name)
