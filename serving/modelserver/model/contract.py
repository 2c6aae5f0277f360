"""The contract of a release: what it promises to take and to give, and whether its graph does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from modelserver.errors import ContractMismatch, InvalidRequest, ModelUnsupported
from modelserver.model import size_names
from modelserver.tensor.datatypes import BY_ORT_TYPE, DATATYPES, Array
from modelserver.tensor.spec import ANY_SIZE, TensorSpec

_Shape = tuple[int | str | None, ...]


@dataclass(frozen=True)  # no slots: names are remembered
class Contract:
    """Inputs and outputs, in the order of the release."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    @cached_property
    def input_names(self) -> frozenset[str]:
        """Names that a request gives."""
        return frozenset(spec.name for spec in self.inputs)

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """Names that an answer may have, in order."""
        return tuple(spec.name for spec in self.outputs)

    @cached_property
    def rows_are_free(self) -> bool:
        """Whether a client chooses the size of the first dimension, of every input."""
        return bool(self.inputs) and all(spec.shape[:1] == (ANY_SIZE,) for spec in self.inputs)


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """An input or output as ONNX Runtime reports it.

    `shape` has a number where the size is fixed, and a name or None where it is free. It is None
    where the graph does not even say how many dimensions there are, and of a number by itself:
    ONNX Runtime reports both alike.
    """

    name: str
    ort_type: str
    shape: _Shape | None


@dataclass(frozen=True, slots=True)
class Graph:
    """The inputs and outputs of a loaded session."""

    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]


@dataclass(frozen=True, slots=True)
class SharedSize:
    """A size that must be equal in several places, because the graph gives it one name in all.

    `places` are pairs of an input's name and an axis.
    """

    name: str
    places: tuple[tuple[str, int], ...]

    def check(self, feeds: Mapping[str, Array]) -> None:
        """Return if the size is the same in all places.

        Raises:
            InvalidRequest: It is not; the error lists what was found where.
        """
        sizes = [feeds[name].shape[axis] for name, axis in self.places]
        if len(set(sizes)) > 1:
            found = ", ".join(
                f"{size} in {name}.shape[{axis}]"
                for size, (name, axis) in zip(sizes, self.places, strict=True)
            )
            raise InvalidRequest(
                "inputs", f"found {found}; expected one size for all ({self.name})"
            )


def shared_sizes(graph: Graph) -> tuple[SharedSize, ...]:
    """Every size that has one name in several places of the graph's inputs, if that is a name."""
    places: dict[str, list[tuple[str, int]]] = {}
    for tensor in graph.inputs:
        for axis, size in enumerate(tensor.shape or ()):
            if isinstance(size, str) and size_names.says_something(size):
                places.setdefault(size, []).append((tensor.name, axis))
    return tuple(SharedSize(name, tuple(where)) for name, where in places.items() if len(where) > 1)


def check(contract: Contract, graph: Graph) -> None:
    """Return if the graph, as far as it says, keeps the contract.

    Its inputs may be wider than promised, its outputs narrower. Every input of the graph must be in
    the contract. Outputs that the contract leaves out are allowed, and never computed.

    Raises:
        ContractMismatch: It does not; the error lists every difference.
        ModelUnsupported: An input or output is no tensor (a sequence or a map, say), which the
            protocol cannot carry.
    """
    in_graph = {tensor.name: tensor for tensor in graph.inputs}
    problems = _compare("inputs", contract.inputs, in_graph, _takes)
    unnamed = sorted(in_graph.keys() - contract.input_names)
    for name in unnamed:
        _refuse_unknown_type("inputs", in_graph[name])
    if unnamed:
        problems.append(f"inputs: the graph also takes {', '.join(unnamed)}")
    gives = {tensor.name: tensor for tensor in graph.outputs}
    problems += _compare("outputs", contract.outputs, gives, _gives)
    if problems:
        raise ContractMismatch(
            f"the graph does not keep the contract: {'; '.join(problems)}; "
            "correct CONTRACT (model.yaml) or export the model anew"
        )


def _compare(
    side: str,
    specs: Sequence[TensorSpec],
    tensors: Mapping[str, GraphTensor],
    fits: Callable[[int, int | str | None], bool],
) -> list[str]:
    problems = []
    for spec in specs:
        tensor = tensors.get(spec.name)
        if tensor is None:
            known = ", ".join(tensors) or "none"
            problems.append(f"{side}: {spec.name} is not in the graph, which has {known}")
            continue
        _refuse_unknown_type(side, tensor)
        if tensor.ort_type != spec.datatype.ort_type:
            found = BY_ORT_TYPE[tensor.ort_type].name
            problems.append(f"{side}.{spec.name}: found {found}, expected {spec.datatype.name}")
        if not _shape_fits(spec.shape, tensor.shape, fits):
            found_shape = list(tensor.shape or ())
            problems.append(f"{side}.{spec.name}: found {found_shape}, expected {list(spec.shape)}")
    return problems


def _refuse_unknown_type(side: str, tensor: GraphTensor) -> None:
    if tensor.ort_type not in BY_ORT_TYPE:
        raise ModelUnsupported(
            f"{side}.{tensor.name}: found {tensor.ort_type}, expected a tensor of "
            f"{', '.join(DATATYPES)}; export the model with tensor inputs and outputs only"
        )


def _shape_fits(
    promised: tuple[int, ...], found: _Shape | None, fits: Callable[[int, int | str | None], bool]
) -> bool:
    if found is None:
        return True
    return len(promised) == len(found) and all(map(fits, promised, found))


def _takes(promised: int, found: int | str | None) -> bool:
    """Whether an input of the size `found` takes every size that the contract lets callers send."""
    return not isinstance(found, int) or found == promised


def _gives(promised: int, found: int | str | None) -> bool:
    """Whether an output of the size `found` may be promised; where it is free, runs decide."""
    return promised == ANY_SIZE or _takes(promised, found)
