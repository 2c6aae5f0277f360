"""Logs of processes: found again, kept within bounds, no reason to fill a disk."""

import os
from pathlib import Path

import pytest

from modelctl.local.servers import logs
from modelctl.local.state import StateFolder


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    """A state folder that exists."""
    found = StateFolder(tmp_path)
    found.create()
    return found


def test_long_log_is_moved_aside(folder: StateFolder) -> None:
    """A log past its bound is moved aside before the next run, and one copy is kept."""
    path = logs.path_of(folder, "m-r1-1")
    path.write_bytes(b"x" * 6_000_000)

    log, output = logs.begin(path)
    with output:
        output.write(b"new\n")

    assert ["new"] == log.tail()
    assert b"new\n" == path.read_bytes()
    assert 6_000_000 == path.with_suffix(".log.1").stat().st_size


def test_log_is_bounded_where_no_copy_can_be_made(folder: StateFolder) -> None:
    """Where the older part cannot be kept it is dropped, and the log is short again."""
    path = logs.path_of(folder, "m-r1-1")
    path.write_bytes(b"x" * 6_000_000)
    path.with_suffix(".log.1").symlink_to("/dev/full")

    logs.shorten(path)

    assert 0 == path.stat().st_size
    assert not path.with_suffix(".log.1").exists()


def test_tail_is_of_this_run(folder: StateFolder) -> None:
    """What earlier runs wrote is not in the tail, also after the log was shortened meanwhile."""
    path = logs.path_of(folder, "m-r1-1")
    path.write_bytes(b"before\n" * 10)
    log, output = logs.begin(path)
    with output:
        output.write(b"one\ntwo\n")
    assert ["one", "two"] == log.tail()

    path.write_bytes(b"three\n")

    assert ["three"] == log.tail()


def test_tail_of_nothing(folder: StateFolder) -> None:
    """A log that is gone has no tail."""
    assert [] == logs.Log(logs.path_of(folder, "m-r1-1"), 0).tail()


def test_paths(folder: StateFolder) -> None:
    """The logs of a model are found, earlier runs' too, the oldest first, and no other model's."""
    names = ["m-r1-1.log", "m-r2-1.log", "m-r1-1.log.1", "m-r1-12.log"]
    others = ["m-m-r1-1.log", "mm-r1-1.log", "envoy.log", "m-r1-1.log.2", "m-r1-x.log", "m-r1.log"]
    for age, name in enumerate(names + others):
        path = folder.logs / name
        path.write_text(name)
        os.utime(path, (age, age))

    assert names == [path.name for path in logs.paths(folder, "m")]
    assert [names[0], names[2], names[3]] == [p.name for p in logs.paths(folder, "m", "r1")]
    assert () == logs.paths(folder, "other")


def test_paths_without_a_folder(tmp_path: Path) -> None:
    """Where nothing ever ran there are no logs."""
    assert () == logs.paths(StateFolder(tmp_path / "nowhere"), "m")
