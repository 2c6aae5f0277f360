"""The last good commits survive restarts, interrupted writes and a full disk."""

import errno
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.local.good import GoodStates

FIRST = "1" * 40
SECOND = "2" * 40


def states(path: Path, environment: str = "local", source: str = "main") -> GoodStates:
    """What a start finds."""
    return GoodStates(path, source, environment)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file lies."""
    return tmp_path / "good"


def test_nothing_is_known_at_first(path: Path) -> None:
    """Without a file no model has a last good commit, and looking makes none."""
    assert states(path).of("m") is None
    assert not path.exists()


def test_what_is_remembered_is_found(path: Path) -> None:
    """The next start finds the last commit of every model."""
    found = states(path)
    assert "" == found.remember({"m": FIRST, "n": FIRST})
    assert "" == found.remember({"m": SECOND})

    assert {"m": SECOND, "n": FIRST} == states(path).models


def test_a_model_that_is_gone_is_forgotten(path: Path) -> None:
    """A model that git no longer has leaves nothing behind."""
    states(path).remember({"m": FIRST, "n": FIRST})
    states(path).remember({"m": None})

    assert {"n": FIRST} == states(path).models


def test_environments_and_sources_are_apart(path: Path) -> None:
    """Each environment and each source has its own, whatever is served in between."""
    states(path).remember({"m": FIRST})
    states(path, environment="edge").remember({"m": SECOND})
    states(path, source="other").remember({})

    assert FIRST == states(path).of("m")
    assert SECOND == states(path, environment="edge").of("m")
    assert states(path, source="other").of("m") is None


def test_environments_that_are_long_gone_are_forgotten(path: Path) -> None:
    """The file keeps eight environments: what was served longest ago goes first."""
    for number in range(9):
        states(path, environment=str(number)).remember({"m": FIRST})

    assert states(path, environment="0").of("m") is None
    assert FIRST == states(path, environment="1").of("m")


def test_what_is_known_is_not_written_again(path: Path) -> None:
    """A call that changes nothing writes nothing."""
    found = states(path)
    found.remember({"m": FIRST})
    before = path.read_bytes()

    found.remember({"m": FIRST})

    assert before == path.read_bytes()


def test_an_update_stays_in_place(path: Path) -> None:
    """An update neither replaces the file nor changes its length."""
    found = states(path)
    found.remember({"m": FIRST})
    before = path.stat()

    found.remember({"m": SECOND})

    assert (before.st_ino, before.st_size) == (path.stat().st_ino, path.stat().st_size)
    assert 0o600 == path.stat().st_mode & 0o777


def test_a_write_cut_at_any_byte_leaves_the_state_before(path: Path) -> None:
    """Whatever part of an update reached the disk, a start finds all of one state or the other."""
    found = states(path)
    found.remember({"m": FIRST})
    before = path.read_bytes()
    found.remember({"m": SECOND})
    after = path.read_bytes()
    differing = [at for at in range(len(after)) if before[at] != after[at]]
    seen = set()

    for cut in range(differing[0], differing[-1] + 2):
        path.write_bytes(after[:cut] + before[cut:])
        seen.add((cut > differing[-1], states(path).of("m")))

    assert {(False, FIRST), (True, SECOND)} == seen


def test_a_file_cut_off_anywhere_never_lies(path: Path) -> None:
    """Of a file that was cut off, a whole slot counts or nothing; the next update repairs it."""
    found = states(path)
    found.remember({"m": FIRST})
    found.remember({"m": SECOND})
    whole = path.read_bytes()
    half = len(whole) // 2
    lengths = [*range(300), *range(half - 5, half + 300), len(whole) - 1]

    for length in lengths:
        path.write_bytes(whole[:length])
        assert states(path).of("m") in (None, FIRST, SECOND)
        states(path).remember({"m": FIRST, "n": SECOND})
        assert {"m": FIRST, "n": SECOND} == states(path).models


@given(damage=st.binary(min_size=1, max_size=400), at=st.integers(0, 2 * 65_536 - 1))
def test_damage_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, damage: bytes, at: int
) -> None:
    """Other bytes anywhere in the file leave a state that was written, or none."""
    path = tmp_path_factory.mktemp("damage") / "good"
    found = states(path)
    found.remember({"m": FIRST})
    found.remember({"m": SECOND})
    whole = path.read_bytes()

    path.write_bytes((whole[:at] + damage + whole[at + len(damage) :])[: len(whole)])

    assert states(path).of("m") in (FIRST, SECOND)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"revision": "1"}', b"\xff" * 200_000])
def test_a_file_of_something_else(path: Path, content: bytes) -> None:
    """What is no file of ours counts as nothing, and is replaced."""
    path.write_bytes(content)
    found = states(path)
    assert {} == found.models

    found.remember({"m": FIRST})

    assert FIRST == states(path).of("m")


def test_growth(path: Path) -> None:
    """More models than a slot was made for have a place too, and so do they when they change."""
    models = {f"model-{number}-{'x' * 25}": FIRST for number in range(3000)}
    states(path).remember({"m": FIRST})
    small = path.stat().st_size

    states(path).remember(models)
    grown = path.stat().st_size
    states(path).remember({"m": SECOND})

    assert grown > small
    assert grown == path.stat().st_size
    assert {**models, "m": SECOND} == states(path).models


def test_a_failed_write_is_told_and_made_up_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written is said, counts in this run, and is written with the next call."""
    found = states(path)
    found.remember({"m": FIRST})

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        told = found.remember({"m": SECOND})
        assert FIRST == states(path).of("m")
    assert f"{path}: the last good state cannot be kept: No space left on device" == told
    assert SECOND == found.of("m")

    assert "" == found.remember({"m": SECOND})
    assert SECOND == states(path).of("m")


def test_a_disk_that_hangs_holds_up_one_call(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one call waits for the disk the next is told so, and what it noted is not lost."""
    found = states(path)
    found.remember({"m": FIRST})
    begun, answers = threading.Event(), threading.Event()
    write = os.pwrite

    def hangs(descriptor: int, content: bytes, at: int) -> int:
        begun.set()
        answers.wait()
        return write(descriptor, content, at)

    monkeypatch.setattr(os, "pwrite", hangs)
    first = threading.Thread(target=found.remember, args=({"m": SECOND},))
    first.start()
    begun.wait()

    told = found.remember({"n": FIRST})
    answers.set()
    first.join()

    assert "is not kept yet: the disk does not answer" in told
    assert "" == found.remember({})
    assert {"m": SECOND, "n": FIRST} == states(path).models


def test_a_write_that_ends_early_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that takes a few bytes at a time gets all of them."""
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: write(fd, bytes(data[:4097]), at))

    states(path).remember({"m": FIRST})

    assert FIRST == states(path).of("m")


def test_a_file_that_vanished_is_made_again(path: Path) -> None:
    """Somebody who cleans up the folder does not stop the next update."""
    found = states(path)
    found.remember({"m": FIRST})
    path.unlink()

    assert "" == found.remember({"m": SECOND})
    assert SECOND == states(path).of("m")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 KiB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(place)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leave no block free."""
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"x" * 512)


def test_a_full_disk_stops_no_update(small_disk: Path) -> None:
    """Where nothing else can be written, the file is read and updated as ever."""
    path = small_disk / "good"
    states(path).remember({"m": FIRST})
    fill(small_disk)

    told = [states(path).remember({"m": commit, "n": FIRST}) for commit in (SECOND, FIRST, SECOND)]

    assert ["", "", ""] == told
    assert {"m": SECOND, "n": FIRST} == states(path).models


def test_growth_on_a_full_disk_is_told(small_disk: Path) -> None:
    """A file that cannot grow stays as it is, and so does what it says."""
    path = small_disk / "good"
    states(path).remember({"m": FIRST})
    fill(small_disk)

    told = states(path).remember({f"model-{number}": FIRST for number in range(3000)})

    assert "cannot be kept: No space left on device" in told
    assert {"m": FIRST} == states(path).models
    assert ["filler", "good"] == sorted(path.name for path in small_disk.iterdir())


def test_the_first_write_on_a_full_disk_is_told(small_disk: Path) -> None:
    """Without room for the file, that is said, and no part of one is left."""
    fill(small_disk)

    told = states(small_disk / "good").remember({"m": FIRST})

    assert "cannot be kept" in told
    assert ["filler"] == [path.name for path in small_disk.iterdir()]


def test_the_file_is_json_behind_one_line(path: Path) -> None:
    """A person can read it."""
    states(path).remember({"m": FIRST})
    _, _, slot = path.read_bytes().partition(b"modelctl-good-1")
    text = slot.partition(b"\n")[2].rstrip(b"\0")

    assert {'["main", "local"]': {"m": FIRST}} == json.loads(text)
