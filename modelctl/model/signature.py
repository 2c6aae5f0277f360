"""Where the inputs and outputs of an ONNX graph are not those that it should have.

`differences` asks whether a graph keeps the contract of its model, `exact_differences` whether a
release file records the graph that its artifact has.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from modelctl.finding import Pointer
from modelctl.model.graph import ANY_SIZE
from modelctl.model.tensors import Contract, Graph, TensorSpec

# From the size that a graph has and the size that is expected: whether the first will do.
Fits = Callable[[int, int], bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of a graph that is not as expected, in words, and where each side says so.

    `what` names the part, as in `inputs.image.shape[1]`. `found_at` points into the field `graph`
    of a release file, `expected_at` into the field `contract` of a `model.yaml`.
    """

    what: str
    found: str
    expected: str
    found_at: Pointer
    expected_at: Pointer


def differences(graph: Graph, contract: Contract) -> Iterator[Difference]:
    """Every reason why a graph cannot keep a contract; none where it can.

    The graph may take more sizes than the contract lets callers send, may give fewer than the
    contract lets them expect, and may have outputs that the contract does not name. It must have no
    further inputs: nobody would send them. Where it leaves the size of an output open, only a run
    can tell, which a server makes when it starts.
    """
    yield from _side("inputs", graph.inputs, contract.inputs, _takes)
    yield from _left_over("inputs", graph.inputs, contract.inputs)
    yield from _side("outputs", graph.outputs, contract.outputs, _gives)


def exact_differences(recorded: Graph, actual: Graph) -> Iterator[Difference]:
    """Every difference between a graph as a release file records it and as the artifact has it."""
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


def _takes(found: int, promised: int) -> bool:
    """Whether an input of the size `found` serves callers who send the promised one."""
    return found in (promised, ANY_SIZE)


def _gives(found: int, promised: int) -> bool:
    """Whether an output of the size `found` may be promised so."""
    return promised == ANY_SIZE or _takes(found, promised)


def _side(
    side: str, found: Sequence[TensorSpec], expected: Sequence[TensorSpec], fits: Fits
) -> Iterator[Difference]:
    """The expected tensors that are missing or differ; `side` is `inputs` or `outputs`."""
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
    """The tensors that are there and not expected; none if one is missing as well.

    One that is missing and one too many are probably one whose name is wrong, and `_side` has told
    of that.
    """
    names = [tensor.name for tensor in expected]
    if set(names) - {tensor.name for tensor in found}:
        return
    for index, tensor in enumerate(found):
        if tensor.name not in names:
            known = ", ".join(names) or "none"
            yield Difference(side, tensor.name, f"only {known}", (side, index, "name"), (side,))
