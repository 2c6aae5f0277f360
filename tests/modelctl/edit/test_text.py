"""Edits keep comments, order and layout, and mean exactly what was asked."""

import pytest

from modelctl.edit.text import Traffic, with_traffic
from modelctl.errors import EditRefusedError
from modelctl.repo.documents import parse

FLOW = """\
# why this canary runs: see the experiment notes
stable: r1  # reference
weights: {r1: 95, r2: 5}  # whole percent
scale: {min: 1, max: 2, metric: cpu, target: 70}
"""
BLOCK = """\
stable: "r1"
weights:
  # the old one
  r1: 95  # a
  r2: 5   # b
# after the weights
shadow:
  release: r3
  percent: 10
scale: {min: 1, max: 2, metric: cpu, target: 70}
"""


def edited(text: str, traffic: Traffic) -> str:
    """The text after an edit of a valid file."""
    document, faults = parse("envs/prod.yaml", text.encode())
    assert document is not None
    assert not faults
    return with_traffic(document, text, traffic)


def test_a_shift_changes_only_the_two_numbers() -> None:
    """A shift replaces the digits of two weights and not one other character."""
    expected = FLOW.replace("95", "90").replace("r2: 5", "r2: 10")

    assert expected == edited(FLOW, Traffic("r1", {"r1": 90, "r2": 10}))


def test_the_same_traffic_changes_nothing() -> None:
    """Asking for what is there gives the same bytes, quotes included."""
    assert BLOCK == edited(BLOCK, Traffic("r1", {"r1": 95, "r2": 5}))


def test_a_new_release_joins_a_flow_mapping() -> None:
    """An introduced release is written behind the last one, on the same line."""
    expected = FLOW.replace("r2: 5}", "r2: 5, r3: 0}")

    assert expected == edited(FLOW, Traffic("r1", {"r1": 95, "r2": 5, "r3": 0}))


def test_a_new_release_joins_a_block_mapping() -> None:
    """An introduced release gets a line of its own at the indent of its siblings."""
    expected = BLOCK.replace("  r2: 5   # b\n", "  r2: 5   # b\n  r3: 0\n")

    assert expected == edited(BLOCK, Traffic("r1", {"r1": 95, "r2": 5, "r3": 0}))


def test_a_retired_release_leaves_a_block_mapping_with_its_line() -> None:
    """A retired release takes its own line and comment along, and nothing else."""
    expected = BLOCK.replace("  r2: 5   # b\n", "").replace("r1: 95", "r1: 100")

    assert expected == edited(BLOCK, Traffic("r1", {"r1": 100}))


@pytest.mark.parametrize(("gone", "left"), [("r1", "{r2: 100}"), ("r2", "{r1: 100}")])
def test_a_retired_release_leaves_a_flow_mapping_tidy(gone: str, left: str) -> None:
    """First or last, a retired release takes its comma along."""
    stays = "r2" if gone == "r1" else "r1"

    assert f"weights: {left}  # whole percent" in edited(FLOW, Traffic(stays, {stays: 100}))


def test_a_dropped_shadow_takes_its_whole_block() -> None:
    """Without its shadow the file has no line of the block left."""
    result = edited(BLOCK, Traffic("r1", {"r1": 95, "r2": 5}, shadow=False))

    assert BLOCK.replace("shadow:\n  release: r3\n  percent: 10\n", "") == result


def test_windows_line_ends_stay() -> None:
    """A file with CRLF line ends keeps them, also on the line that is added."""
    text = "stable: r1\r\nweights:\r\n  r1: 100\r\nscale: {}\r\n"

    result = edited(text, Traffic("r1", {"r1": 100, "r2": 0}))

    assert "stable: r1\r\nweights:\r\n  r1: 100\r\n  r2: 0\r\nscale: {}\r\n" == result


def test_a_file_without_a_final_newline_can_grow() -> None:
    """An added line never joins the one before it."""
    result = edited("stable: r1\nweights:\n  r1: 100", Traffic("r1", {"r1": 100, "r2": 0}))

    assert result == "stable: r1\nweights:\n  r1: 100\n  r2: 0\n"


def test_a_layout_without_weights_is_refused() -> None:
    """A file that has nothing to add to is refused by name, not guessed at."""
    with pytest.raises(EditRefusedError, match=r"envs/prod\.yaml: there is no weights"):
        edited("stable: r1\n", Traffic("r1", {"r1": 100}))
