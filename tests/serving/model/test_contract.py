"""What a graph declares beside what its contract promises, and which names of sizes bind."""

import pytest

from contract_cases import PROMISES
from modelserver.errors import ContractMismatch
from modelserver.model import size_names
from modelserver.model.contract import Contract, Graph, GraphTensor, SharedSize, check, shared_sizes
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec

Shape = tuple[int | str | None, ...]


def _is_kept(side: str, promised: tuple[int, ...], found: Shape | None) -> bool:
    spec = TensorSpec("t", DATATYPES["FP32"], promised)
    tensor = GraphTensor("t", "tensor(float)", found)
    try:
        check(
            Contract(**({"inputs": (), "outputs": ()} | {side: (spec,)})),
            Graph(**({"inputs": (), "outputs": ()} | {side: (tensor,)})),
        )
    except ContractMismatch:
        return False
    return True


@pytest.mark.parametrize(("side", "promised", "found", "kept"), PROMISES)
def test_sizes_go_together(
    side: str, promised: tuple[int, ...], found: tuple[int, ...], *, kept: bool
) -> None:
    """Inputs may be wider than promised, outputs narrower, whether or not a size has a name."""
    named = tuple(f"d{axis}" if size < 0 else size for axis, size in enumerate(found))
    unnamed = tuple(None if size < 0 else size for size in found)

    assert kept is _is_kept(side, promised, named) is _is_kept(side, promised, unnamed)


@pytest.mark.parametrize("side", ["inputs", "outputs"])
@pytest.mark.parametrize("promised", [(), (-1,), (2, -1)])
def test_an_unknown_number_of_dimensions_may_be_any(side: str, promised: tuple[int, ...]) -> None:
    """Where the graph does not say how many there are, only a run can tell."""
    assert _is_kept(side, promised, None)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *(("N", True), ("batch", True), ("batch_size", True), ("s0", True), ("s77", True)),
        *(("seq_len + 1", True), ("manynone", True), ("company", True), ("Höhe", True)),
        *(("?", False), ("", False), (" ", False), ("-1", False), ("*", False), ("_", False)),
        *(("None", False), ("none_3", False), ("unk__7", False), ("unk__12", False)),
        *(("unk", False), ("unknown", False), ("Unknown_0", False), ("dynamic", False)),
        *(("x_dynamic_axes_1", False), ("dynamic_axes_2", False), ("any", False)),
    ],
)
def test_names_that_say_nothing(name: str, *, says: bool) -> None:
    """A word for a size that nobody knows is no name, however often it stands there."""
    tensors = tuple(GraphTensor(each, "tensor(float)", (name, 3)) for each in "ab")
    expected = (SharedSize(name, (("a", 0), ("b", 0))),) if says else ()

    assert says is size_names.says_something(name)
    assert expected == shared_sizes(Graph(tensors, ()))
