"""Following a repository: what changes is noticed by events, and whatever fails, it goes on."""

import asyncio
import errno
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import cast

import pytest

from engine_kit import MODEL, Repo
from modelctl.errors import GitError
from modelctl.local import follow
from modelctl.local.engine import Engine
from modelctl.local.follow import Follower
from modelctl.local.good import GoodStates
from modelctl.local.journal import Journal
from modelctl.local.plan.rollout import Rollout
from modelctl.local.source import artifacts
from modelctl.local.source.artifacts import ArtifactExport
from modelctl.local.source.protocol import Source
from modelctl.local.source.reading import Reader, Reading
from modelctl.local.source.repositories import FilesOnDisk, local_branch
from modelctl.local.source.watch import Watch
from modelctl.repo.git import Commit
from scratch import git
from waiting import until_seen


class Told:
    """Stands in for the engine, and keeps what it is told."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.faults: list[str] = []
        self.commits: dict[str, Commit] = {}
        self.rollouts: dict[str, Rollout] = {}

    def offer(self, reading: Reading) -> None:
        """Take a reading."""
        self.readings.append(reading)

    def note_source(self, fault: str) -> None:
        """Take a fault that is another than before."""
        if self.faults[-1:] != [fault]:
            self.faults.append(fault)

    def note_commits(self, commits: Mapping[str, Commit]) -> None:
        """Take commits that were found later."""
        self.commits |= commits

    async def until(self, holds: Callable[["Told"], object]) -> "Told":
        """Wait until something holds of what was told."""

        async def look() -> Told:
            return self

        shown = lambda told: (told.readings, told.faults)  # noqa: E731 - shown in a failure alone
        return await until_seen(look, holds, shown=shown)


class Stage:
    """A follower of a source, and everything that it tells."""

    def __init__(self, source: Source, folder: Path, good: GoodStates | None = None) -> None:
        self.told = Told()
        self.journal = Journal()
        self.reader = Reader(source, "local", ArtifactExport(folder / "files"), lambda _: [])
        engine = cast("Engine", self.told)
        self.follower = Follower(source, self.reader, engine, self.journal, good)

    def run(self, story: Callable[[Told], Awaitable[object]]) -> None:
        """Follow while a story lasts."""

        async def both() -> None:
            following = asyncio.create_task(self.follower.run())
            try:
                await story(self.told)
            finally:
                following.cancel()
                await asyncio.wait([following])

        asyncio.run(both())


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository that serves r1 of one model."""
    (tmp_path / "repo").mkdir()
    return Repo(tmp_path / "repo")


@pytest.fixture
def _by_events_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look without an event."""
    monkeypatch.setattr(follow, "_CERTAINTY_S", 3600.0)


def branch(repo: Repo, ref: str | None = None) -> Source:
    """The source that is followed."""
    return local_branch(repo.root, ref, every_s=3600)


@pytest.mark.usefixtures("_by_events_alone")
@pytest.mark.parametrize("ref", ["main", "team/feature"])
def test_a_commit_is_noticed_by_its_event(repo: Repo, tmp_path: Path, ref: str) -> None:
    """Each commit is offered without any look by time, on a branch in a folder of its own too."""
    git(repo.root, "switch", "--quiet", *([] if ref == "main" else ["--create"]), ref)

    async def story(told: Told) -> None:
        await told.until(lambda t: t.readings)
        for number in range(3):
            made = await asyncio.to_thread(repo.commit, f"docs: Change {number}")
            await told.until(lambda t, made=made: t.readings[-1].commit.id == made)
            await asyncio.to_thread(git, repo.root, "pack-refs", "--all", "--prune")

    Stage(branch(repo, ref), tmp_path).run(story)


@pytest.mark.usefixtures("_by_events_alone")
def test_a_branch_that_comes_back_is_noticed(repo: Repo, tmp_path: Path) -> None:
    """A branch that was deleted and made again is followed as before."""
    git(repo.root, "branch", "team/feature")

    async def story(told: Told) -> None:
        await told.until(lambda t: t.readings)
        await asyncio.to_thread(git, repo.root, "branch", "-D", "team/feature")
        await told.until(lambda t: "names no commit now" in t.faults[-1])
        made = await asyncio.to_thread(repo.commit, "docs: Change")
        await asyncio.to_thread(git, repo.root, "branch", "team/feature")
        await told.until(lambda t: t.readings[-1].commit.id == made and t.faults[-1] == "")

    Stage(branch(repo, "team/feature"), tmp_path).run(story)


@pytest.mark.usefixtures("_by_events_alone")
def test_an_edit_on_disk_is_noticed_by_its_event(repo: Repo, tmp_path: Path) -> None:
    """Files that are written, in a folder that is new as well, are read without a look by time."""

    async def story(told: Told) -> None:
        await told.until(lambda t: t.readings)
        await asyncio.to_thread(repo.serve, {"r1": 50, "r2": 50})
        weights = {"linear-r1": 50, "linear-r2": 50}
        await told.until(lambda t: _weights(t.readings[-1]) == weights)
        await asyncio.to_thread(repo.write, "apps/new/envs/local.yaml", "stable: r1\n")
        await told.until(lambda t: "new" in t.readings[-1].identities)

    Stage(FilesOnDisk(repo.root), tmp_path).run(story)


def _weights(reading: Reading) -> dict[str, int]:
    return reading.models[MODEL].plan.weights() if MODEL in reading.models else {}


def test_without_events_the_repository_is_looked_at_by_time(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the kernel has no watcher, that is said once, and commits are seen all the same."""
    monkeypatch.setattr(Watch, "cover", lambda *_: "changes cannot be watched: no reason")
    stage = Stage(local_branch(repo.root, None, every_s=0.01), tmp_path)

    async def story(told: Told) -> None:
        await told.until(lambda t: t.readings)
        made = await asyncio.to_thread(repo.commit, "docs: Change")
        await told.until(lambda t: t.readings[-1].commit.id == made)

    stage.run(story)
    (event,) = stage.journal.of("")
    assert ("warning", 1) == (event.level, event.count)
    assert event.message.endswith("no reason: the repository is looked at every 0.01 s instead")


def test_a_source_without_an_answer_is_told(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While git hangs, the engine is told that nothing is known; later it goes on."""
    monkeypatch.setattr(follow, "_SLOW_S", 0.01)
    source = branch(repo)
    answers = threading.Event()
    known = source.revision()

    def hangs() -> str:
        answers.wait()
        return known

    monkeypatch.setattr(source, "revision", hangs)

    async def story(told: Told) -> None:
        await told.until(lambda t: t.faults and "has given no answer" in t.faults[-1])
        assert [] == told.readings
        answers.set()
        await told.until(lambda t: t.readings and t.faults[-1] == "")

    Stage(source, tmp_path).run(story)


@pytest.mark.parametrize(
    "error", [GitError("git fails"), OSError(5, "broken"), ZeroDivisionError()]
)
def test_a_fault_is_told_and_passes(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whatever a look raises, it is told, and the next one goes on."""
    monkeypatch.setattr(follow, "_RETRY_S", 0.01)
    source = branch(repo)
    known = source.revision()
    looks = iter([error, error])

    def fails() -> str:
        for each in looks:
            raise each
        return known

    monkeypatch.setattr(source, "revision", fails)
    monkeypatch.setattr(source, "known_revision", fails)

    async def story(told: Told) -> None:
        await told.until(lambda t: t.readings and t.faults[-1] == "")
        assert str(error) in told.faults[0] or repr(error) in told.faults[0]

    Stage(source, tmp_path).run(story)


def test_artifacts_that_find_no_room_are_tried_again(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk refuses the model with the reason; once there is room, it is offered."""
    monkeypatch.setattr(follow, "_CERTAINTY_S", 0.01)
    full = threading.Event()
    full.set()
    write = artifacts.write_atomically

    def limited(path: Path, content: bytes) -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, content)

    monkeypatch.setattr(artifacts, "write_atomically", limited)

    async def story(told: Told) -> None:
        await told.until(lambda t: t.readings)
        assert "its artifacts cannot be written to" in told.readings[0].refused[MODEL]
        assert "No space left on device" in told.readings[0].refused[MODEL]
        full.clear()
        await told.until(lambda t: MODEL in t.readings[-1].models)
        assert 2 == len(told.readings)

    Stage(branch(repo), tmp_path).run(story)


def test_a_commit_of_long_ago_is_told_later(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reading does not wait for a commit that lies far back; it is told when it is found."""
    repo.write("apps/other/model.yaml", "name: other\n")
    repo.commit("apps/other: Begin")
    stage = Stage(branch(repo), tmp_path)
    monkeypatch.setattr(stage.reader._commits, "of", _bounded(stage.reader))

    async def story(told: Told) -> None:
        await told.until(lambda t: t.commits)
        assert told.readings[0].models[MODEL].commit is None
        assert "root: Begin" == told.commits[MODEL].subject

    stage.run(story)


def _bounded(reader: Reader) -> Callable[..., dict[str, Commit]]:
    """A search among the last commit alone, unless it is told to search everything."""
    search = reader._commits.of

    def of(revision: str, states: Mapping[str, str], *, limit: int | None = 1) -> dict[str, Commit]:
        return search(revision, states, limit=limit)

    return of
