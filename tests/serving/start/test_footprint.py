"""What the runs of a model take, as its trial finds out."""

import pytest

from modelserver.model.contract import Contract
from modelserver.model.rows.independence import NOT_ASKED
from modelserver.start import footprint, warmup
from modelserver.start.footprint import Footprint, Seen
from tests.serving import onnx_models
from tests.serving.loading import Load, specs
from tests.serving.memory import MIB

ROOM = 256 * MIB


def trial(load: Load, model: object, contract: Contract, *, room: int = ROOM) -> Footprint:
    """The footprint of a model, measured as a start does."""
    watched = footprint.watch(load(model, contract))
    profile = warmup.measure(watched, None, NOT_ASKED, max_rows=1)
    feeds = warmup.synthetic(contract)
    return footprint.measure(watched, feeds, run_s=profile.run_s, room_bytes=room)


def test_row_of_a_large_tensor_is_measured(load: Load) -> None:
    """A row that becomes 64 KiB takes it at least once, and no four times."""
    width = 16 << 10
    contract = Contract(specs(x=("FP32", (-1, 1))), specs(y=("FP32", (-1, width))))

    found = trial(load, onnx_models.widen(width), contract)

    assert 4 * width == found.answer_row_bytes
    assert found.row_bytes is not None
    assert 4 * width <= found.row_bytes <= 4 * 4 * width


def test_quick_sizes_are_known(load: Load) -> None:
    """A small model is quick with one row, and with more of them, and the trial says so."""
    contract = Contract(specs(x=("FP32", (-1, 2))), specs(y=("FP32", (-1, 2))))

    assert (1,) in trial(load, onnx_models.identity("FP32"), contract).quick


def test_free_sizes_have_no_rows(load: Load) -> None:
    """Where a client also chooses the length of a row, no row has a size; both are looked at."""
    contract = Contract(specs(x=("FP32", (-1, -1))), specs(y=("FP32", (-1, -1))))

    found = trial(load, onnx_models.identity("FP32", ("N", "M")), contract)

    assert found.row_bytes is None
    assert (1, 1) in found.quick


def test_trial_takes_a_part_of_the_room_only(load: Load) -> None:
    """Where a few rows would take all that there is, few are tried."""
    width = 16 << 10
    contract = Contract(specs(x=("FP32", (-1, 1))), specs(y=("FP32", (-1, width))))
    watched = footprint.watch(load(onnx_models.widen(width), contract))
    runs = []
    original = type(watched).run
    room = 2 * MIB

    def run(
        self: footprint.Watched, outputs: object, feeds: footprint.Feeds, **rest: bool
    ) -> object:
        runs.append(feeds["x"].shape[0])
        return original(self, outputs, feeds, **rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(footprint.Watched, "run", run)
        footprint.measure(watched, warmup.synthetic(contract), run_s=0.0001, room_bytes=room)

    assert max(runs) * 4 * width <= room


def test_what_the_first_run_takes_for_good_is_no_row() -> None:
    """Between the fewest and the most rows lies what the rows themselves take."""
    seen = Seen()
    seen.taken = {1: 20 * MIB, 5: 24 * MIB}
    seen.answers = {1: 10, 5: 50}

    assert (1.5 * MIB, 10.0) == seen.of_a_row()


def test_what_may_be_chance_is_not_believed() -> None:
    """Where more rows took hardly more, a row takes what it gives, and the arena tells the rest."""
    seen = Seen()
    seen.taken = {1: 20 * MIB, 5: 21 * MIB}
    seen.answers = {1: 10, 5: 50}

    assert (10.0, 10.0) == seen.of_a_row()
