"""The demo's own parts: what it counts, what it takes for synced, and that nothing is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.demo.engine import View
from examples.demo.load import Tally
from examples.demo.scratch import Scratch, Tidying
from examples.demo.timeline import Timeline
from modelctl.local.servers import processes
from waiting import PATIENCE_S, until

R1, R2 = b'{"model_version": "r1"}', b'{"model_version":"r2"}'
HEAD, BEFORE = "b" * 40, "a" * 40


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """A scratch folder with an empty state folder."""
    folder = tmp_path / "scratch"
    (folder / "state").mkdir(parents=True)
    return Scratch(folder)


def test_answers_are_counted_by_release_and_failures_by_reason() -> None:
    """Only an answer of a release with status 200 counts as one."""
    tally = Tally()
    for status, body in ((200, R1), (200, R2), (200, R2), (503, R1), (200, b"{}")):
        tally.count(status, body)

    assert {"r1": 1, "r2": 2} == tally.releases
    assert {"status 503": 1, "status 200": 1} == tally.failures
    assert 5 == tally.asked


def test_the_longest_time_without_an_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed requests in between do not end it."""
    clock = iter([10.0, 10.5, 14.0, 14.1])
    monkeypatch.setattr("examples.demo.load.time.monotonic", lambda: next(clock))
    tally = Tally()
    for status, body in ((200, R1), (200, R2), (503, b""), (200, R1), (200, R1)):
        tally.count(status, body)

    assert 3.5 == tally.longest_gap_s
    assert {"r1": 10.0, "r2": 10.5} == tally.first_seen
    assert {"r1": 14.1, "r2": 10.5} == tally.last_seen


@pytest.mark.parametrize(
    ("seen", "synced", "sync", "expected"),
    [
        (HEAD, HEAD, "Synced", True),
        (BEFORE, BEFORE, "Synced", False),
        (HEAD, BEFORE, "Synced", False),
        (HEAD, HEAD, "OutOfSync", False),
    ],
)
def test_synced_means_the_newest_commit(
    seen: str, synced: str, sync: str, *, expected: bool
) -> None:
    """A status from before the commit, or one that refuses it, is not synced."""
    models = [{"model": "linear", "sync": sync}]
    view = View({"seen": {"id": seen}, "synced": {"id": synced}, "models": models})

    assert expected is view.is_synced("linear", HEAD)


def test_nothing_is_well_before_there_is_a_status() -> None:
    """A view of an engine that says nothing yet has no model and is not well."""
    view = View({})

    assert (False, {}, {}) == (view.well, view.model("linear"), view.release("linear", "r1"))


def test_what_a_killed_demo_leaves_is_ended_and_removed(scratch: Scratch) -> None:
    """A demo that is killed leaves no process, no mounted disk and no folder."""
    stray = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={**os.environ, processes.STATE: str(scratch.state), processes.PROCESS: "stray"},
        start_new_session=True,
    )
    words = (
        "import sys\nfrom pathlib import Path\nfrom examples.demo.scratch import Scratch, Tidying\n"
        "scratch = Scratch(Path(sys.argv[1]))\nscratch.mount()\ntidying = Tidying(scratch)\n"
        "print('ready', flush=True)\ninput()"
    )
    demo = subprocess.Popen(
        [sys.executable, "-c", words, str(scratch.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with stray, demo:
        said = demo.stdout.readline() if demo.stdout else ""
        demo.kill()
        stray.wait(PATIENCE_S)
        until(scratch.folder.exists, lambda exists: not exists)

    assert "ready\n" == said
    assert str(scratch.state) not in Path("/proc/mounts").read_text(encoding="utf-8")


def test_what_is_kept_for_a_look_stays_without_its_disk(scratch: Scratch) -> None:
    """After an expectation that did not hold, folder and logs stay; the small disk does not."""
    scratch.mount()
    tidying = Tidying(scratch)
    (scratch.state / "logs").mkdir()
    (scratch.state / "logs" / "envoy.log").write_text("words", encoding="utf-8")
    scratch.keep_logs()

    tidying.finish(keep=True)

    assert "words" == (scratch.folder / "logs" / "envoy.log").read_text(encoding="utf-8")
    assert str(scratch.state) not in Path("/proc/mounts").read_text(encoding="utf-8")


def test_a_full_disk_has_no_free_byte(scratch: Scratch) -> None:
    """The disk of the state folder is filled to the last byte, and can be emptied."""
    if fault := scratch.mount():
        pytest.skip(f"a small disk cannot be mounted here: {fault}")
    tidying = Tidying(scratch)
    try:
        scratch.fill()
        full = scratch.free_bytes()
        scratch.empty()
        free = scratch.free_bytes()
    finally:
        tidying.finish(keep=False)

    assert 0 == full < free


def test_why_there_is_no_small_disk_is_told(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no disk can be mounted, the reason is given, and logs that are not there are none."""
    monkeypatch.setenv("PATH", "")

    fault = scratch.mount()
    scratch.keep_logs()

    assert "mount: No such file or directory" == fault


def test_the_result_counts_what_held(capsys: pytest.CaptureFixture[str]) -> None:
    """The last line says how many expectations held; each was printed with whether it did."""
    timeline = Timeline()
    timeline.expect(held=True, what="this")
    timeline.expect(held=False, what="that")

    assert "1 of 2 expectations held, in 0 s" == timeline.result()
    assert ["ok", "this", "FAIL", "that"] == [
        word for line in capsys.readouterr().out.splitlines() for word in line.split()[2:]
    ]
