"""What a description leaves open and a person answers; what is missing is asked for at once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from modelctl.errors import UsageError
from modelctl.importing.found import Found, Left
from modelctl.model.tensors import Contract, Graph
from modelctl.repo import schema

_NO_LABEL = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 38  # of the schema


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a release has to say of a file that is out of reach; None is what nobody said."""

    uri: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    opset: int | None = None
    ir_version: int | None = None


def named(found: Found, model: str | None) -> Found:
    """The model under a name that it can have here, or the one that was asked for."""
    name = model or _NO_LABEL.sub("-", found.name.casefold()).strip("-")[:_LONGEST_NAME].strip("-")
    if not model and name and not name[0].isalpha():
        name = f"m-{name}"[:_LONGEST_NAME].strip("-")
    fault = schema.fault("model", ("name",), name)
    if fault:
        raise UsageError(f"the name {found.name!r}: {fault}: say one by --model NAME")
    if name == found.name:
        return found
    why = f"is {name} here, and in the address: callers ask for /v2/models/{name}/infer"
    return replace(found, name=name).without(Left(f"name {found.name}", why))


def refuse_unanswered(missing: Iterable[tuple[str, str]], platform: str) -> None:
    """Return if nothing is missing.

    Raises:
        UsageError: Something is; the message names every option at once.
    """
    lines = [f"\n  {option}: {why}" for option, why in missing]
    if lines:
        raise UsageError(
            f"{platform} does not say all that a release does; nothing was written. Add:"
            + "".join(lines)
        )


def unknown_bytes(found: Found, pinned: Pinned) -> list[tuple[str, str]]:
    """What is missing of a file that is out of reach, as options and why they are needed."""
    where = f" (it is at {found.uri})" if found.uri else ""
    missing = []
    if not pinned.uri and not _names_a_file(found.uri):
        missing.append(("--uri URI", "the ONNX file itself, which servers fetch"))
    if not pinned.sha256:
        missing.append(("--sha256 HEX", "what `sha256sum` prints for it"))
    if not pinned.size_bytes:
        missing.append(("--bytes N", "its exact size"))
    if not pinned.opset:
        missing.append(("--opset N", "the operator set that it imports"))
    if found.contract is None:
        missing.append(("--artifact FILE", "its inputs and outputs, which are in no field"))
    if not missing:
        return []
    best = ("--artifact FILE", f"a copy of the ONNX file{where}: all of it is read from there")
    rest = [each for each in missing if each[0] != best[0]]
    if found.contract is None:
        return [best]
    return [best, *((option, f"{why}; instead of --artifact") for option, why in rest)]


def declared_graph(contract: Contract, pinned: Pinned) -> Graph:
    """The graph of a file that nobody read, as far as it was declared."""
    opset = pinned.opset or 1
    return Graph(pinned.ir_version or 8, {"ai.onnx": opset}, contract.inputs, contract.outputs)


def compared(found: Found, graph: Graph) -> Found:
    """With what was declared otherwise than the graph has it."""
    if found.contract is None:
        return found
    sides = (
        ("input", found.contract.inputs, graph.inputs),
        ("output", found.contract.outputs, graph.outputs),
    )
    left = []
    for side, declared, own in sides:
        known = {spec.name: spec for spec in own}
        for spec in declared:
            other = known.get(spec.name)
            if other is None:
                names = ", ".join(known)
                left.append(
                    Left(f"{side} {spec.name}", f"the graph has {names}: callers name those")
                )
            elif other != spec:
                left.append(
                    Left(
                        f"{side} {spec.name}",
                        f"{_shown(spec.datatype, spec.shape)} was declared; the graph has "
                        f"{_shown(other.datatype, other.shape)}, which is served",
                    )
                )
    return found.without(*left)


def _names_a_file(uri: str | None) -> bool:
    return bool(uri) and str(uri).endswith(".onnx") and "://" in str(uri)


def _shown(datatype: str, shape: Iterable[int]) -> str:
    return f"{datatype}[{', '.join(map(str, shape))}]"
