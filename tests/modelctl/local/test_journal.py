"""The journal of events."""

import logging

import pytest

from modelctl.local.journal import Journal


def test_newest_first() -> None:
    """Events of a model come newest first, apart from those of others."""
    journal = Journal()
    journal.add("m", "info", "one")
    journal.add("m", "error", "two")
    journal.add("", "info", "engine")

    assert ["two", "one"] == [event.message for event in journal.of("m")]
    assert ["engine"] == [event.message for event in journal.of("")]


def test_repeated_event() -> None:
    """The same event again only counts up."""
    journal = Journal()
    for _ in range(3):
        journal.add("m", "error", "crashed")

    assert [("crashed", 3)] == [(event.message, event.count) for event in journal.of("m")]


def test_alternating_events() -> None:
    """Two replicas that crash in turn are two events, not many."""
    journal = Journal()
    for _ in range(5):
        journal.add("m", "error", "r1-1 crashed")
        journal.add("m", "error", "r1-2 crashed")

    assert [("r1-2 crashed", 5), ("r1-1 crashed", 5)] == [
        (event.message, event.count) for event in journal.of("m")
    ]


def test_bounded() -> None:
    """Only the last events are kept."""
    journal = Journal()
    for number in range(200):
        journal.add("m", "info", str(number))

    assert 50 == len(journal.of("m"))
    assert "199" == journal.of("m")[0].message


def test_control_characters() -> None:
    """Text of a commit cannot command the terminal that shows the log."""
    journal = Journal()
    journal.add("m", "info", "accepted \x1b[2J\n")

    assert r"accepted \x1b[2J\n" == journal.of("m")[0].message


def test_log(caplog: pytest.LogCaptureFixture) -> None:
    """Each event is logged at once, with its model and level."""
    with caplog.at_level(logging.INFO, "modelctl.up"):
        Journal().add("m", "warning", "unready")

    assert [("modelctl.up", logging.WARNING, "m: unready")] == caplog.record_tuples


def test_forget() -> None:
    """The events of a model that is gone are dropped."""
    journal = Journal()
    journal.add("m", "info", "one")

    journal.forget("m")

    assert () == journal.of("m")
