"""The status as text for a terminal."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from modelctl.repo.git import Commit
from modelctl.status.text import age, lines
from modelctl.status.values import EngineStatus, Health, Sync, encode
from status_kit import EVENT, MEASURED, broken, degraded, engine, model, release

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REFUSED = Commit("b" * 40, "Bob", "2026-01-01T11:00:00+00:00", "apps/m: \x1b[31mRed\nline")


def text(value: EngineStatus) -> list[str]:
    """The lines that a terminal gets, by way of the JSON that the engine answers with."""
    return list(lines(json.loads(encode(value.to_json())), NOW))


def cells(found: list[str], word: str) -> list[str]:
    """The words of the first row with a word."""
    return next(line for line in found if word in line).split()


def test_table() -> None:
    """A release is a row: restarts, age, weight, share, client errors beside server errors."""
    shared = engine(model(releases=(release(weight=90.0), broken())))

    found = text(shared)

    assert [
        "m", "Synced", "Healthy", "aaaaaaaa", "r1", "stable", "Ready", "1/1", "0", "3", "h", "90",
        "%", "91.2", "%", "1000", "2.00", "%", "0.15", "%", "1.2", "ms", "48.0", "ms",
    ] == cells(found, "r1 stable")  # fmt: skip
    assert [
        "r2", "canary", "CrashLoopBackOff", "0/1", "4", "-", "10", "%", "-", "0", "-", "-", "-",
        "-",
    ] == cells(found, "r2 canary")  # fmt: skip


def test_where_and_what() -> None:
    """The head says what is followed, where it listens, and which commit is applied."""
    found = text(engine(model()))

    assert [
        "environment local from refs/heads/main of /r",
        "predictions http://127.0.0.1:8080   status page http://127.0.0.1:8081",
        'applied     aaaaaaaaaaaa "apps/m: Shift" by Ann, 2026-01-01T10:00:00+00:00',
        "sync        Synced",
    ] == found[:4]


def test_what_is_broken_comes_first() -> None:
    """Broken models stand above those that are well, whatever their names."""
    failing = model("errors", releases=(release(measured=replace(MEASURED, error_rate=0.5)),))
    late = model("late", sync=Sync.OUT_OF_SYNC, sync_reason="being applied")

    found = text(engine(model("aa"), failing, late, degraded("zz")))

    heads = [line.split()[0] for line in found if "aaaaaaaa" in line and "stable" in line]
    assert ["zz", "late", "errors", "aa"] == heads


def test_remedies_come_last() -> None:
    """The last line names the model, what is wrong with it and the command that tells more."""
    found = text(engine(model("aa"), degraded("zz", events=(EVENT,))))

    assert "zz: r2: exit code 1: `modelctl logs zz r2` shows what its servers say" == found[-1]


def test_way_back_of_a_release_with_traffic() -> None:
    """Where the broken release has requests the way back is named."""
    releases = (release(), broken(live_weight=10.0))

    found = text(engine(degraded("zz", releases=releases)))

    assert found[-1].endswith("`modelctl rollback zz --env local --commit` goes back")


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"sync_reason": "bbb is refused: weights-sum-100"}, "`modelctl check apps/m`"),
        ({"sync_reason": "Envoy refuses its routes"}, "`git revert` the commit"),
        ({"sync_reason": "paused: true in git", "paused": True}, "apps/m/envs/local.yaml"),
    ],
)
def test_remedy_of_what_is_not_applied(changes: dict[str, object], remedy: str) -> None:
    """What git says and does not run ends with what to do about it."""
    found = text(engine(model(sync=Sync.OUT_OF_SYNC, **changes)))

    assert found[-1].startswith(f"m: {changes['sync_reason']}: ")
    assert remedy in found[-1]


def test_since_when_shares_are_counted() -> None:
    """Where weights share requests the text says since when they are counted."""
    shared = (release(live_weight=90.0), release("r2", live_weight=10.0))

    found = text(engine(model("one"), model("two", releases=shared)))

    assert ["two: MEASURED counts since 09:59:00 UTC"] == [x for x in found if "counts" in x]


def test_refused_revision_cannot_command_the_terminal() -> None:
    """A refused commit is shown; control characters in its subject are made harmless."""
    found = text(engine(model(), seen=REFUSED))

    assert r"apps/m: \x1b[31mRed\nline" in next(line for line in found if "refused" in line)
    assert all(line.isprintable() for line in found)


def test_reasons_faults_and_events() -> None:
    """What is wrong is said in words, with the last events."""
    found = "\n".join(text(engine(degraded(), fault="disk full")))

    assert "fault       disk full" in found
    assert "10:00:01  error    m: m-r2-1 crashed (3 times)" in found


def test_model_without_releases() -> None:
    """A model of which nothing runs is a row all the same."""
    found = text(engine(model(releases=(), health=Health.MISSING)))

    assert ["m", "Synced", "Missing", "aaaaaaaa"] in [line.split() for line in found]


@pytest.mark.parametrize(
    ("since", "words"),
    [
        ("2026-01-01T11:59:59+00:00", "1 s"),
        ("2026-01-01T12:00:01+00:00", "0 s"),
        ("2026-01-01T11:00:01+00:00", "59 min"),
        ("2026-01-01T10:00:00+01:00", "3 h"),
        ("2025-12-30T12:00:00+00:00", "2 d"),
    ],
)
def test_age(since: str, words: str) -> None:
    """A time is told by how long ago it was, in the largest unit that fits."""
    assert words == age(since, NOW)


@pytest.mark.parametrize(
    ("status", "well"),
    [
        (engine(model()), True),
        (engine(model(health=Health.PROGRESSING)), False),
        (engine(model(sync=Sync.OUT_OF_SYNC)), False),
        (engine(model(), fault="disk full"), False),
    ],
)
def test_well(status: EngineStatus, well: bool) -> None:  # noqa: FBT001 - a parameter
    """All is well only if everything is Synced and Healthy, and nothing is wrong."""
    assert well == status.well
