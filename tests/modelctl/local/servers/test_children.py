"""Child processes: outlive their starter, are taken over, logged within bounds."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from modelctl.local import limits
from modelctl.local.servers import processes
from modelctl.local.servers.children import Child, Launcher
from modelctl.local.state import StateFolder
from waiting import until, until_seen

LASTING = "import time; print('up', flush=True); time.sleep(600)"
# Starts a program that would run for long, tells its process id, and waits.
PARENT = f"""
import asyncio, sys
from pathlib import Path
from modelctl.local.servers.children import Launcher
from modelctl.local.state import StateFolder
folder = StateFolder(Path(sys.argv[1]))
folder.create()
async def main():
    command = (sys.executable, "-c", {LASTING!r})
    child = await Launcher(folder, print).start("child", command, {{}})
    print(child.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    """A state folder that exists."""
    found = StateFolder(tmp_path / "state")
    found.create()
    return found


def command(code: str) -> tuple[str, ...]:
    """A Python program."""
    return (sys.executable, "-c", code)


def with_child(folder: StateFolder, code: str, story: Callable[[Child], Awaitable[None]]) -> Child:
    """Start a Python program, let something happen to it, and wait for its end."""

    async def whole() -> Child:
        launcher = Launcher(folder, print)
        child = await launcher.start("child", command(code), dict(os.environ))
        await story(child)
        await child.wait()
        launcher.forget(child)
        return child

    return asyncio.run(whole())


def run(folder: StateFolder, code: str) -> Child:
    """A Python program that has ended by itself."""

    async def nothing(_: Child) -> None:
        pass

    return with_child(folder, code, nothing)


async def until_up(folder: StateFolder) -> None:
    """Wait until the program has said that it runs."""

    async def told() -> bool:
        return "up" in (folder.logs / "child.log").read_text()

    await until_seen(told)


def test_child_outlives_its_starter_and_is_taken_over(folder: StateFolder) -> None:
    """When the starter is killed the child runs on; the next one takes it over and can end it."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder.root)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()

    async def story() -> tuple[bool, int]:
        launcher = Launcher(folder, print)
        assert launcher.adopt("child", lambda _: False) is None
        child = launcher.adopt("child", lambda found: found.command == command(LASTING))
        assert child is not None
        assert [] == launcher.left()
        await child.end(60)
        launcher.forget(child)
        return child.adopted, child.pid

    assert (True, pid) == asyncio.run(story())
    assert [] == processes.found(folder.root)


def test_end_of_an_adopted_child_is_seen(folder: StateFolder) -> None:
    """The end of a taken-over program is seen at once; its exit code is said to be unknown."""

    async def story() -> str:
        first = Launcher(folder, print)
        started = await first.start("child", command(LASTING), dict(os.environ))
        await until_up(folder)
        child = Launcher(folder, print).adopt("child", lambda _: True)
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        assert await child.wait() is None
        assert -9 == await started.wait()
        return child.obituary()

    assert "ended with an exit code that an earlier `modelctl up` alone was told" == asyncio.run(
        story()
    )


def test_what_was_started_is_not_left(folder: StateFolder) -> None:
    """A launcher's own programs are not left from an earlier run, unless it leaves them so."""

    async def story() -> None:
        launcher = Launcher(folder, print)
        child = await launcher.start("child", command(LASTING), dict(os.environ))
        assert [] == launcher.left()

        launcher.forget(child)
        (left,) = Launcher(folder, print).left()
        assert child.pid == left.pid
        await Launcher(folder, print).take(left).end(60)

    asyncio.run(story())


def test_session_of_its_own(folder: StateFolder) -> None:
    """A child leads a session, so that Ctrl-C in a terminal reaches its starter alone."""
    code = "import os, sys; sys.exit(0 if os.getsid(0) == os.getpid() else 1)"

    assert 0 == run(folder, code).exited.result()


def test_no_input_and_no_open_files(folder: StateFolder) -> None:
    """A child reads nothing, and has none of its starter's open files, inheritable or not."""
    inherited = os.dup(0)
    os.set_inheritable(inherited, True)  # noqa: FBT003 - positional only
    code = "import os, sys; print([sys.stdin.read(), *sorted(os.listdir('/proc/self/fd'))])"

    run(folder, code)

    os.close(inherited)
    # The last one is the folder that it lists.
    assert "['', '0', '1', '2', '3']\n" == (folder.logs / "child.log").read_text()


def test_signals_have_their_usual_meaning(folder: StateFolder) -> None:
    """What Python ignores, a child does not: a pipe that nobody reads ends it."""
    shell = ("/bin/sh", "-c", "grep SigIgn /proc/$$/status")

    async def story() -> int | None:
        child = await Launcher(folder, print).start("child", shell, dict(os.environ))
        return await child.wait()

    assert 0 == asyncio.run(story())
    ignored = int((folder.logs / "child.log").read_text().split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


def test_unknown_program(folder: StateFolder) -> None:
    """A program that is not there is an error, and leaves nothing."""

    async def story() -> None:
        await Launcher(folder, print).start("child", ("/nowhere",), {})

    with pytest.raises(FileNotFoundError, match="/nowhere"):
        asyncio.run(story())
    assert [] == processes.found(folder.root)


def test_no_room_for_a_log(folder: StateFolder) -> None:
    """A log that cannot be made is told, and the program runs without one."""
    folder.logs.rmdir()
    told: list[str] = []

    async def story() -> int | None:
        child = await Launcher(folder, told.append).start("child", command("print(1)"), {})
        return await child.wait()

    assert 0 == asyncio.run(story())
    assert [f"child runs without a log: {folder.logs}/child.log: No such file or directory"] == told


def test_stubborn_child(folder: StateFolder) -> None:
    """A program that does not listen is killed after its time."""

    async def end(child: Child) -> None:
        await until_up(folder)
        await child.end(0.05)

    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {LASTING}"

    assert -9 == with_child(folder, code, end).exited.result()


def test_last_words_are_of_this_run(folder: StateFolder) -> None:
    """The last words are from the program's own run, and the log keeps both runs."""
    run(folder, "print('first')")

    assert "exit code 0" == run(folder, "pass").obituary()
    assert "exit code 0: second" == run(folder, "print('second'); print()").obituary()
    assert "first\nsecond\n\n" == (folder.logs / "child.log").read_text()


def test_killed_by_the_kernel_for_memory(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that was killed when the kernel counted one more is said to lack memory."""
    counts = iter((3, 4))
    monkeypatch.setattr(limits, "memory_kills", lambda: next(counts))

    found = run(folder, 'import os; print(\'{"event": "ready"}\'); os.kill(os.getpid(), 9)')

    assert "killed by SIGKILL: by the kernel, because memory ran out (oom_kill was 3, is 4)" in (
        found.obituary()
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((3, 3), "killed by SIGKILL: neither by modelctl nor by the kernel for want of memory"),
        ((None, None), "killed by SIGKILL: not by modelctl; the kernel does so when memory runs"),
    ],
)
def test_killed_by_somebody(
    folder: StateFolder,
    monkeypatch: pytest.MonkeyPatch,
    counts: tuple[int | None, int | None],
    expected: str,
) -> None:
    """A kill that the kernel does not count was somebody else's; where it counts none, unknown."""
    left = iter(counts)
    monkeypatch.setattr(limits, "memory_kills", lambda: next(left))

    found = run(folder, "import os; os.kill(os.getpid(), 9)")

    assert found.obituary().startswith(expected)


def test_memory_in_use(folder: StateFolder) -> None:
    """The memory of a running program is known; that of one that has ended is 0."""
    seen: list[int] = []

    async def look(child: Child) -> None:
        await until_up(folder)
        seen.append(child.memory_bytes())
        child.kill()

    child = with_child(folder, LASTING, look)

    assert seen[0] > 1 << 20
    assert 0 == child.memory_bytes()


def test_everything_of_a_session_is_ended(folder: StateFolder) -> None:
    """What a program has started ends with it."""
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {LASTING!r}]).wait()"

    async def kill(child: Child) -> None:
        await until_up(folder)
        child.kill()

    with_child(folder, code, kill)

    until(lambda: processes.found(folder.root), lambda found: found == [])
