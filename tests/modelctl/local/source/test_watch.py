"""Events of the file system: what changes is noticed, and what cannot be noticed is said."""

import asyncio
import ctypes
import errno
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from modelctl.local.source import watch as module
from modelctl.local.source.watch import Watch
from waiting import PATIENCE_S

Change = Callable[[Path], object]


def written(folder: Path) -> None:
    """A file is written."""
    (folder / "a").write_text("x")


def replaced(folder: Path) -> None:
    """A file takes the place of another, as git does it."""
    (folder / "new").write_text("y")
    (folder / "new").replace(folder / "old")


def removed(folder: Path) -> None:
    """A file goes."""
    (folder / "old").unlink()


def moved(folder: Path) -> None:
    """The folder itself goes elsewhere."""
    folder.rename(folder.with_name("elsewhere"))


def within(story: Callable[[Watch], Awaitable[object]]) -> object:
    """What a story gives that has a watch."""

    async def run() -> object:
        with Watch() as watch:
            return await story(watch)

    return asyncio.run(run())


@pytest.mark.parametrize("change", [written, replaced, removed, moved])
def test_a_change_is_noticed(tmp_path: Path, change: Change) -> None:
    """Whatever changes in a folder wakes who waits."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").write_text("x")

    async def story(watch: Watch) -> bool:
        assert "" == watch.cover([folder])
        await asyncio.to_thread(change, folder)
        return await watch.changed(PATIENCE_S)

    assert within(story)


def test_a_change_wakes_once(tmp_path: Path) -> None:
    """After a change was noticed, the next wait waits."""

    async def story(watch: Watch) -> tuple[bool, bool]:
        watch.cover([tmp_path])
        written(tmp_path)
        return await watch.changed(PATIENCE_S), await watch.changed(0.01)

    assert (True, False) == within(story)


def test_a_folder_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    """The others are watched all the same, and it is once it is there."""

    async def story(watch: Watch) -> tuple[str, str, bool]:
        first = watch.cover([tmp_path / "later", tmp_path])
        (tmp_path / "later").mkdir()
        second = watch.cover([tmp_path / "later", tmp_path])
        await watch.changed(PATIENCE_S)
        written(tmp_path / "later")
        return first, second, await watch.changed(PATIENCE_S)

    assert ("", "", True) == within(story)


class Refusing:
    """A kernel that has no watcher, or no watch, left."""

    def __init__(self, **numbers: int) -> None:
        self._numbers = numbers

    def inotify_init1(self, _: int) -> int:
        """Give no watcher."""
        return self._answer("init")

    def inotify_add_watch(self, *_: object) -> int:
        """Give no watch."""
        return self._answer("add")

    def _answer(self, call: str) -> int:
        ctypes.set_errno(self._numbers.get(call, 0))
        return -1 if call in self._numbers else 0


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (
            {"init": errno.EMFILE},
            (
                "changes cannot be watched: Too many open files; "
                "raise fs.inotify.max_user_instances with sysctl"
            ),
        ),
        ({"init": errno.ENOSYS}, "changes cannot be watched: Function not implemented"),
    ],
)
def test_no_watcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: dict[str, int], told: str
) -> None:
    """Where the kernel gives no watcher, that is said with the limit, and waiting still ends."""
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Refusing(**refused))

    async def story(watch: Watch) -> tuple[str, bool]:
        return watch.cover([tmp_path]), await watch.changed(0)

    assert (told, False) == within(story)


def test_no_watches_left(tmp_path: Path) -> None:
    """A folder too many is named, with the limit."""

    async def story(watch: Watch) -> str:
        watch._libc = Refusing(add=errno.ENOSPC)  # type: ignore[assignment]
        return watch.cover([tmp_path])

    assert (
        f"{tmp_path}: changes cannot be watched: No space left on device; "
        "raise fs.inotify.max_user_watches with sysctl"
    ) == within(story)


@pytest.mark.parametrize(
    ("kind", "told"),
    [("nfs4", "/data is on nfs4, which other machines may write to"), ("ext4", ""), ("fuse.x", "")],
)
def test_a_file_system_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, told: str
) -> None:
    """Of folders that other machines may write to, no event tells: that is said."""
    device = tmp_path.stat().st_dev
    number = f"{device >> 8 & 0xFFF}:{device & 0xFF | device >> 12 & 0xFFF00}"
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"36 35 {number} / /data rw,noatime master:1 - {kind} host:/data rw\n")
    monkeypatch.setattr(module, "_MOUNTS", mounts)

    async def story(watch: Watch) -> str:
        return watch.cover([tmp_path])

    assert told == within(story)
