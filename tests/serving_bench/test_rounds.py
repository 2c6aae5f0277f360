"""The order of a run treats every contestant alike."""

from pathlib import Path

import pytest

from serving.bench.contestants import NAIVE, OURS, PEERS, chosen
from serving.bench.layouts import layouts
from serving.bench.models import MODELS, ModelFile
from serving.bench.rounds import Plan


@pytest.fixture
def plan() -> Plan:
    """Two rounds of the tiny model with three contestants, one of them without several workers."""
    contestants = chosen(["mosec"])
    return Plan(
        contestants=contestants,
        files={"tiny": ModelFile(MODELS[0], Path("tiny.onnx"), "", 0)},
        layouts=layouts([0, 1]),
        pythons={},
        rounds=2,
        seconds=1,
    )


def test_every_second_round_runs_backwards(plan: Plan) -> None:
    """What is slow for a while is not always the same contestant."""
    order = [unit.contestant for unit in plan.units() if unit.layout == "one-core"]

    forwards = ["bare", "modelserver", "naive", "mosec"]
    assert forwards + forwards[::-1] == order


def test_our_server_is_in_the_table_of_several_workers(plan: Plan) -> None:
    """With its one process: leaving it out would leave nothing to compare with."""
    named = {unit.contestant for unit in plan.units() if unit.layout == "both-cores"}

    assert {OURS.name, NAIVE.name, "mosec"} == named


def test_peers_are_taken_in_the_tables_order() -> None:
    """However they are named on the command line."""
    found = [each.name for each in chosen(["mosec", "mlserver"])]

    assert [OURS.name, NAIVE.name, "mlserver", "mosec"] == found
    assert [each.name for each in PEERS] == [
        each.name for each in chosen([p.name for p in PEERS])[2:]
    ]
