"""What separates the tensors of a graph from those it has to have, place by place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from modelctl.finding import Pointer
from modelctl.model.graph import ANY_SIZE
from modelctl.model.tensors import Contract, Graph, TensorSpec

Fits = Callable[[int, int], bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: in words, and where both sides say it, from `graph` and `contract` on."""

    what: str
    found: str
    expected: str
    found_at: Pointer
    expected_at: Pointer


def differences(graph: Graph, contract: Contract) -> Iterator[Difference]:
    """Why a graph cannot keep a contract; nothing where it can.

    A size that the contract fixes may be any size in the graph; outputs may be left over.
    """
    yield from _side("inputs", graph.inputs, contract.inputs, _keeps)
    yield from _left_over("inputs", graph.inputs, contract.inputs)
    yield from _side("outputs", graph.outputs, contract.outputs, _keeps)


def exact_differences(recorded: Graph, actual: Graph) -> Iterator[Difference]:
    """Where what a release records of its graph is not what the file has."""
    if recorded.ir_version != actual.ir_version:
        found, expected = str(recorded.ir_version), str(actual.ir_version)
        yield Difference("ir_version", found, expected, ("ir_version",), ())
    for domain in sorted(recorded.opsets.keys() | actual.opsets.keys()):
        found, expected = (str(graph.opsets.get(domain, "none")) for graph in (recorded, actual))
        if found != expected:
            yield Difference(f"opset of {domain}", found, expected, ("opsets", domain), ())
    sides = (
        ("inputs", recorded.inputs, actual.inputs),
        ("outputs", recorded.outputs, actual.outputs),
    )
    for side, found_tensors, expected_tensors in sides:
        yield from _side(side, found_tensors, expected_tensors, int.__eq__)
        yield from _left_over(side, found_tensors, expected_tensors)


def _keeps(found: int, promised: int) -> bool:
    return found in (promised, ANY_SIZE)


def _side(
    side: str, found: Sequence[TensorSpec], expected: Sequence[TensorSpec], fits: Fits
) -> Iterator[Difference]:
    places = {tensor.name: index for index, tensor in enumerate(found)}
    for index, wanted in enumerate(expected):
        if wanted.name not in places:
            known = ", ".join(places) or "none"
            yield Difference(side, known, wanted.name, (side,), (side, index))
        else:
            at = places[wanted.name]
            for difference in _tensor(found[at], wanted, fits):
                yield Difference(
                    f"{side}.{wanted.name}{difference.what}",
                    difference.found,
                    difference.expected,
                    (side, at, *difference.found_at),
                    (side, index, *difference.expected_at),
                )


def _tensor(found: TensorSpec, wanted: TensorSpec, fits: Fits) -> Iterator[Difference]:
    if found.datatype != wanted.datatype:
        yield Difference("", found.datatype, wanted.datatype, ("datatype",), ("datatype",))
    if len(found.shape) != len(wanted.shape):
        shapes = str(list(found.shape)), str(list(wanted.shape))
        yield Difference("", *shapes, ("shape",), ("shape",))
        return
    for axis, (size, promised) in enumerate(zip(found.shape, wanted.shape, strict=True)):
        if not fits(size, promised):
            at = ("shape", axis)
            yield Difference(f".shape[{axis}]", _words(size), _words(promised), at, at)


def _words(size: int) -> str:
    return f"{size} (any size)" if size == ANY_SIZE else str(size)


def _left_over(
    side: str, found: Sequence[TensorSpec], expected: Sequence[TensorSpec]
) -> Iterator[Difference]:
    names = [tensor.name for tensor in expected]
    if set(names) - {tensor.name for tensor in found}:
        return  # one that is missing and one too many are one that is misnamed, told already
    for index, tensor in enumerate(found):
        if tensor.name not in names:
            known = ", ".join(names) or "none"
            yield Difference(side, tensor.name, f"only {known}", (side, index, "name"), (side,))
