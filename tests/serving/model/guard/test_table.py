"""The table of operators that crash, held to the ONNX Runtime that is installed."""

import pytest

from modelserver.model.guard.table import DIVIDES, NEEDS_ELEMENTS, NEEDS_NONZERO
from modelserver.model.guard.tried import TRIED
from tests.serving.native import table

pytestmark = pytest.mark.timeout(400)  # hundreds of processes, one after another


def test_every_operator_that_crashes_over_an_empty_tensor_is_known() -> None:
    """Each size 0 in turn, in every operator of the standard: what dies is in the table."""
    found = table.driven("empty")

    assert [] == table.unknown(found)
    assert TRIED >= {tuple(key) for key in found[-1]["ran"]}


def test_each_operator_of_the_table_still_crashes() -> None:
    """What ONNX Runtime has mended is taken from the table."""
    dead = {tuple(key) for death in table.driven("empty")[:-1] for key in death["operators"]}

    assert dead & NEEDS_ELEMENTS.keys() == NEEDS_ELEMENTS.keys()


def test_served_operators_survive_what_kills_them() -> None:
    """As the server runs them, empty tensors and the smallest number by -1 end no process."""
    names = {op_type for _, op_type in (*NEEDS_ELEMENTS, *NEEDS_NONZERO, *DIVIDES)}

    for kind in ("empty", "paired"):
        deaths = table.driven(kind, "--served", "--only", ",".join(sorted(names)))
        assert [] == list(deaths[:-1])
        assert names - {"STFT"} <= {op_type for _, op_type in deaths[-1]["ran"]}
