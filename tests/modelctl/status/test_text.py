"""The status as text for a terminal."""

import json
from typing import Any

import pytest

from modelctl.repo.git import Commit
from modelctl.status.event import Event
from modelctl.status.text import lines
from modelctl.status.values import (
    Addresses,
    EngineStatus,
    Health,
    Measured,
    ModelStatus,
    ReleaseStatus,
    Sync,
    encode,
)

COMMIT = Commit("a" * 40, "Ann", "2026-01-01T10:00:00+00:00", "apps/m: Shift")
REFUSED = Commit("b" * 40, "Bob", "2026-01-01T11:00:00+00:00", "apps/m: \x1b[31mRed\nline")
EVENT = Event("2026-01-01T10:00:01.000+00:00", "error", "m-r2-1 crashed", 3)


def status(*, seen: Commit = COMMIT, fault: str = "", **changes: Any) -> EngineStatus:  # noqa: ANN401
    """The status of an engine with one model of two releases."""
    measured = Measured(1000, 900, 60, 40, 0.9123, 0.0015, 1.25, 48.0)
    nothing = Measured(0, 0, 0, 0, None, None, None, None)
    releases = (
        ReleaseStatus("r1", "stable", "Ready", "", 2, 2, 0, 90.0, 90.0, measured),
        ReleaseStatus("r2", "", "CrashLoopBackOff", "exit code 1", 0, 1, 4, None, None, nothing),
    )
    model: dict[str, Any] = {
        "sync": Sync.SYNCED,
        "sync_reason": "",
        "health": Health.HEALTHY,
        "health_reason": "",
        "releases": releases,
    } | changes
    return EngineStatus(
        addresses=Addresses("local", "main of /r", 7, "2026", "http://t", "http://p", "/state"),
        sync=Sync.SYNCED,
        sync_reason="",
        seen=seen,
        synced=COMMIT,
        findings=(),
        fault=fault,
        window_s=60.0,
        models=(
            ModelStatus(
                model="m",
                paused=False,
                commit=COMMIT,
                wanted=COMMIT,
                shadow=None,
                events=(EVENT,),
                **model,
            ),
        ),
        events=(),
    )


def text(value: EngineStatus) -> list[str]:
    """The lines that a terminal gets, by way of the JSON in the file."""
    return list(lines(json.loads(encode(value.to_json()))))


def test_table() -> None:
    """Each release is a row with weight in git, measured share, errors and latencies."""
    found = text(status())
    rows = [line.split() for line in found if "r1 stable" in line or "r2 " in line]

    assert [
        ["m", "Synced", "Healthy", "aaaaaaaa", "r1", "stable", "Ready", "2/2", "90", "%", "91.2",
         "%", "1000", "0.15", "%", "1.2", "ms", "48.0", "ms"],
        ["r2", "CrashLoopBackOff", "0/1", "-", "-", "0", "-", "-", "-"],
    ] == rows  # fmt: skip


def test_where_and_what() -> None:
    """The head says what is followed, where it listens, and which commit is applied."""
    found = text(status())

    assert [
        "environment local from main of /r",
        "predictions http://t   status page http://p",
        'applied     aaaaaaaaaaaa "apps/m: Shift" by Ann, 2026-01-01T10:00:00+00:00',
        "sync        Synced",
    ] == found[:4]


def test_refused_revision_cannot_command_the_terminal() -> None:
    """A refused commit is shown; control characters in its subject are made harmless."""
    found = text(status(seen=REFUSED))

    assert r"apps/m: \x1b[31mRed\nline" in next(line for line in found if "refused" in line)
    assert all(line.isprintable() for line in found)


def test_reasons_faults_and_events() -> None:
    """What is wrong is said in words, with the last events."""
    found = "\n".join(text(status(fault="disk full", health_reason="r2: exit code 1")))

    assert "fault       disk full" in found
    assert "m: r2: exit code 1" in found
    assert "10:00:01  error    m: m-r2-1 crashed (3 times)" in found


def test_model_without_releases() -> None:
    """A model of which nothing runs is a row all the same."""
    found = text(status(releases=(), health=Health.MISSING))

    assert ["m", "Synced", "Missing", "aaaaaaaa"] in [line.split() for line in found]


@pytest.mark.parametrize(
    ("changes", "well"),
    [
        ({}, True),
        ({"health": Health.PROGRESSING}, False),
        ({"sync": Sync.OUT_OF_SYNC}, False),
        ({"fault": "disk full"}, False),
    ],
)
def test_well(changes: dict[str, Any], well: bool) -> None:  # noqa: FBT001 - a parameter
    """All is well only if everything is Synced and Healthy, and nothing is wrong."""
    assert well == status(**changes).well
