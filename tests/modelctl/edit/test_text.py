"""Edits keep comments, order and layout, and mean exactly what was asked."""

import pytest

from modelctl.edit.entries import YamlText
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


def test_a_shadow_that_is_not_there_is_not_missed() -> None:
    """A file that never had a shadow is as it should be without one."""
    assert FLOW == edited(FLOW, Traffic("r1", {"r1": 95, "r2": 5}, shadow=False))


def test_what_stays_may_be_written_in_any_way() -> None:
    """A value that an edit does not change is not touched, be it on several lines."""
    text = "stable: >-\n  r1\nweights: {r1: 100}\n"

    expected = text.replace("r1: 100", "r1: 100, r2: 0")
    assert expected == edited(text, Traffic("r1", {"r1": 100, "r2": 0}))


def test_a_doubtful_value_is_not_written() -> None:
    """What some reader would take for something else is refused, not written."""
    document, _ = parse("envs/prod.yaml", FLOW.encode())
    assert document is not None

    with pytest.raises(EditRefusedError, match=r"edited safely: .* found no, which is"):
        YamlText(document, FLOW).with_value(("stable",), "no")


BETWEEN = """\
stable: r1
# which releases
weights:
  # the first
  r1: 100  # a

  # the second, now idle
  "r2": 0  # b
  # the third
  r3: 0
# copies of requests
shadow:
  # from the night shift
  release: r4  # c
  percent: 10  # d

# how many
scale: {min: 1, max: 2, metric: cpu, target: 70}
"""
FLOW_LINES = """\
stable: r1
weights: {  # which releases
  # the first
  r1: 100,  # a
  # the second, now idle
  "r2": 0,  # b
  # the third
  r3: 0     # c
}
scale: {min: 1, max: 2, metric: cpu, target: 70}
"""
COMMA_FIRST = """\
weights: { r1: 100  # a
         , r2: 0    # b
         , r3: 0    # c
         }
stable: r1
"""


@pytest.mark.parametrize(
    ("text", "gone", "lines"),
    [
        (BETWEEN, "r1", "  r1: 100  # a\n"),
        (BETWEEN, "r2", '  "r2": 0  # b\n'),
        (BETWEEN, "r3", "  r3: 0\n"),
        (FLOW_LINES, "r1", "  r1: 100,  # a\n"),
        (FLOW_LINES, "r2", '  "r2": 0,  # b\n'),
        (COMMA_FIRST, "r2", "         , r2: 0    # b\n"),
        (COMMA_FIRST, "r3", "         , r3: 0    # c\n"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_retired_release_takes_only_its_own_line(
    text: str, gone: str, lines: str, newline: str
) -> None:
    """First, middle or last: comments above it and below it stay, the one on its line goes."""
    weights = {"r1": 100, "r2": 0, "r3": 0}
    del weights[gone]
    before = text.replace("\n", newline)

    expected = text.replace(lines, "").replace("\n", newline)
    assert expected == edited(before, Traffic("r1", weights))


def test_the_last_release_of_several_lines_takes_the_comma_before_it() -> None:
    """The line before keeps its comment and loses the comma that separated the two."""
    expected = FLOW_LINES.replace(
        "0,  # b\n  # the third\n  r3: 0     # c", "0  # b\n  # the third"
    )

    assert expected == edited(FLOW_LINES, Traffic("r1", {"r1": 100, "r2": 0}))


def test_a_new_release_joins_a_flow_mapping_of_several_lines() -> None:
    """It gets a line of its own, so that no comment of another release stands beside it."""
    expected = FLOW_LINES.replace("r3: 0     # c", "r3: 0,     # c\n  r4: 0")

    wanted = {"r1": 100, "r2": 0, "r3": 0, "r4": 0}
    assert expected == edited(FLOW_LINES, Traffic("r1", wanted))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_comment_above_the_next_key_is_not_the_shadows(newline: str) -> None:
    """A dropped shadow takes the comments on and between its lines, and no other line."""
    own = BETWEEN[BETWEEN.index("shadow:") : BETWEEN.index("\n# how many")]
    result = edited(
        BETWEEN.replace("\n", newline), Traffic("r1", {"r1": 100, "r2": 0, "r3": 0}, shadow=False)
    )

    assert BETWEEN.replace(own, "").replace("\n", newline) == result


def test_a_shadow_at_the_end_of_a_file_without_a_final_newline() -> None:
    """The last block of a file goes, and the comment above it stays."""
    text = "stable: r1\nweights: {r1: 100}\n# copies\nshadow:\n  release: r2\n  percent: 5  # few"
    result = edited(text, Traffic("r1", {"r1": 100}, shadow=False))

    assert "stable: r1\nweights: {r1: 100}\n# copies\n" == result


def test_json_is_edited_as_json() -> None:
    """A file in JSON's style, which YAML includes, keeps its quotes."""
    text = '{"stable":"r1","shadow":{"release":"r3","percent":5},"weights":{"r1":95,"r2":5}}\n'
    result = edited(text, Traffic("r2", {"r2": 100}, shadow=False))

    assert '{"stable":"r2","weights":{"r2":100}}\n' == result


def test_a_value_on_several_lines_is_refused() -> None:
    """A value in a style that could hide a comment is left to a person."""
    with pytest.raises(EditRefusedError, match=r"the value of stable is on several lines"):
        edited("stable: |-  # why\n  r1\nweights: {r1: 100}\n", Traffic("r2", {"r1": 100}))


VERIFIED = (
    "stable: r1\nweights: {r1: 95, r2: 5}\nshadow: {release: r3, percent: 10}\npaused: true\n"
)


@pytest.mark.parametrize(
    ("old", "other"),
    [
        ("r1: 95, r2: 5", "r2: 95, r1: 5"),
        (
            "shadow: {release: r3, percent: 10}\npaused: true",
            "paused: true\nshadow: {release: r3, percent: 10}",
        ),
        ("r1: 95, r2: 5", "r1: 95, r2: 5, r4: 0"),
        ("release: r3", "release: r4"),
        ("shadow: {release: r3, percent: 10}\n", ""),
        ("paused: true", "paused: 1"),
        ("paused: true", "paused: true\nscale: {min: 1}"),
    ],
)
def test_a_result_that_means_anything_else_is_refused(old: str, other: str) -> None:
    """An edit gives the fields, order and values that were read, with the wanted traffic.

    Here the text is not the one that was read, as after a write by somebody else.
    """
    document, _ = parse("envs/prod.yaml", VERIFIED.encode())
    assert document is not None
    changed = VERIFIED.replace(old, other)
    assert changed != VERIFIED

    with pytest.raises(
        EditRefusedError, match=r"write by hand stable: r1 and weights: \{'r1': 90,"
    ):
        with_traffic(document, changed, Traffic("r1", {"r1": 90, "r2": 10}))


def test_a_shadow_that_does_not_go_is_refused() -> None:
    """An edit that leaves the shadow although it was to go says what to write by hand."""
    document, _ = parse("envs/prod.yaml", VERIFIED.encode())
    assert document is not None
    again = VERIFIED.replace("paused: true", "paused: true\n'shadow' : {release: r5, percent: 1}")
    wanted = Traffic("r1", {"r1": 95, "r2": 5}, shadow=False)

    with pytest.raises(EditRefusedError, match=r"weights: \{'r1': 95, 'r2': 5\}, without shadow"):
        with_traffic(document, again.replace("shadow: {", "shadow2: {", 1), wanted)


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
