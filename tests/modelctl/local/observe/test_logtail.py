"""The last lines of what servers say."""

import json
from pathlib import Path

import pytest

from modelctl.local.observe.logtail import Followed, Line, shown, tail
from modelctl.local.state import StateFolder


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """A state folder without any log."""
    folder = StateFolder(tmp_path)
    folder.create()
    return folder


def say(state: StateFolder, server: str, *lines: str) -> None:
    """Add lines to the log of a server."""
    with (state.logs / f"{server}.log").open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def at(second: int, **fields: object) -> str:
    """A line of a server's log."""
    return json.dumps({"time": f"2026-01-01T10:00:{second:02}Z", "level": "info", **fields})


def test_servers_in_order_of_time(state: StateFolder) -> None:
    """The lines of several servers come in the order in which they were said."""
    say(state, "m-r1-1", at(1, event="a"), at(3, event="c"))
    say(state, "m-r2-1", at(2, event="b"), "Traceback", "  File x", at(4, event="d"))

    found = tail(state, "m", None, 10)

    assert ["m-r1-1", "m-r2-1", "m-r2-1", "m-r2-1", "m-r1-1", "m-r2-1"] == [x.server for x in found]
    assert ["Traceback", "  File x"] == [line.text for line in found][2:4]


def test_last_lines_only(state: StateFolder) -> None:
    """Of a long log the last lines are given, whole."""
    say(state, "m-r1-1", *(at(1, event="x" * 500, number=n) for n in range(2000)))

    found = tail(state, "m", "r1", 3)

    assert [1997, 1998, 1999] == [json.loads(line.text)["number"] for line in found]
    assert [] == tail(state, "m", "r1", 0)


@pytest.mark.parametrize("server", ["m-x-r1-1", "mm-r1-1", "m-r11-1", "envoy"])
def test_others_are_left_out(state: StateFolder, server: str) -> None:
    """Logs of other models, releases and programs are not this one's."""
    say(state, server, at(1, event="other"))

    assert [] == tail(state, "m", "r1", 10)


def test_what_is_added(state: StateFolder) -> None:
    """Following gives whole lines that came since the last look, of new servers too."""
    say(state, "m-r1-1", at(1, event="old"))
    followed = Followed(state, "m", None)
    log = state.logs / "m-r1-1.log"
    with log.open("a") as file:
        file.write(at(2, event="whole") + "\n" + '{"half')
    say(state, "m-r2-1", at(3, event="new"))

    first = [json.loads(line.text)["event"] for line in followed.added()]
    with log.open("a") as file:
        file.write('": 1}\n')

    assert ["whole", "new"] == first
    assert ['{"half": 1}'] == [line.text for line in followed.added()]
    assert [] == followed.added()


def test_log_that_was_shortened(state: StateFolder) -> None:
    """A log that was emptied in place is followed from its beginning."""
    say(state, "m-r1-1", *["old"] * 100)
    followed = Followed(state, "m", None)
    (state.logs / "m-r1-1.log").write_text("new\n")

    assert ["new"] == [line.text for line in followed.added()]


def test_words_of_a_structured_line() -> None:
    """A line of JSON is shown as words; what every line has is left out."""
    text = at(1, event="failed", model="m", release="r1", code=500, error='say "no"')

    found = shown(Line("2026-01-01T10:00:01Z", "m-r1-1", text))

    assert ("10:00:01", "info", 'failed code=500 error=say "no"') == (
        found.time,
        found.level,
        found.words,
    )


def test_words_of_any_other_line() -> None:
    """Any other line is shown as it is."""
    assert "  File <x>" == shown(Line("", "m-r1-1", "  File <x>")).words
