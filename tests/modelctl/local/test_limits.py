"""Limits of the system: read from what it says, and named before they bite."""

import resource
from pathlib import Path

import pytest

from modelctl.local import limits
from modelctl.local.limits import Limits, Needs, needs
from modelctl.local.plan.values import PodTemplate, Workload

V2 = {"proc/self/cgroup": "0::/user.slice/up\n", "sys/fs/cgroup/cgroup.controllers": "memory pids"}
V1 = {"proc/self/cgroup": "4:memory:/up\n3:cpu,pids:/up\n0::/\n"}
NO_LIMIT_V1 = "9223372036854771712"


def root(folder: Path, files: dict[str, str]) -> Path:
    """A folder with proc/ and sys/ as a system would have them."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def workload(name: str = "m-r1", replicas: int = 1, *, threads: str = "2") -> Workload:
    """A Deployment whose servers may have 512 MiB each."""
    settings = (("MODELSERVER_THREADS", threads),)
    template = PodTemplate(settings, None, None, None, 5, memory_bytes=512 << 20)
    return Workload(name, name.partition("-")[0], "r1", replicas, template, (name,))


def test_version_2(tmp_path: Path) -> None:
    """The smallest limit of all groups above counts, less what is in use."""
    found = limits.read(
        root(
            tmp_path,
            V2
            | {
                "sys/fs/cgroup/user.slice/up/pids.max": "max\n",
                "sys/fs/cgroup/user.slice/pids.max": "400\n",
                "sys/fs/cgroup/user.slice/pids.current": "100\n",
                "sys/fs/cgroup/user.slice/up/memory.max": "1073741824\n",
                "sys/fs/cgroup/user.slice/memory.max": "max\n",
                "proc/meminfo": "MemTotal:        8000000 kB\nMemFree: 1 kB\n",
                "proc/sys/kernel/threads-max": "99999",
                "proc/sys/fs/inotify/max_user_instances": "128\n",
                "proc/sys/fs/inotify/max_user_watches": "8192\n",
            },
        )
    )

    assert (300, 1 << 30) == (found.tasks, found.memory_bytes)
    assert "user.slice/pids.max" in found.tasks_limit_of
    assert (128, 8192) == (found.inotify_instances, found.inotify_watches)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == (found.files or resource.RLIM_INFINITY)


def test_version_1(tmp_path: Path) -> None:
    """Each controller has folders of its own; a number that no machine reaches is no limit."""
    files = V1 | {
        "sys/fs/cgroup/memory/up/memory.limit_in_bytes": NO_LIMIT_V1,
        "sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT_V1,
        "sys/fs/cgroup/pids/up/pids.max": "50",
        "sys/fs/cgroup/pids/up/pids.current": "20",
        "proc/meminfo": "MemTotal: 1024 kB\n",
    }

    found = limits.read(root(tmp_path, files))

    assert (30, 1 << 20) == (found.tasks, found.memory_bytes)


def test_container_that_sees_only_its_own_group(tmp_path: Path) -> None:
    """Where the path of the group is not there, the top is the group."""
    files = V2 | {"sys/fs/cgroup/memory.max": "4096", "sys/fs/cgroup/pids.max": "7"}

    found = limits.read(root(tmp_path, files))

    assert (4096, 7) == (found.memory_bytes, found.tasks)


def test_system_that_says_nothing(tmp_path: Path) -> None:
    """Where nothing is told, as on macOS, nothing is known and nothing refused."""
    found = limits.read(tmp_path)

    assert (None, None) == (found.memory_bytes, found.inotify_instances)
    assert limits.memory_kills(tmp_path) is None
    assert "" == limits.unmet(needs([workload(replicas=10_000)]), Limits())


def test_what_an_earlier_run_left_counts_once(tmp_path: Path) -> None:
    """Threads and instances of servers that are taken over are not used by others."""
    files = V2 | {
        "sys/fs/cgroup/pids.max": "100",
        "sys/fs/cgroup/pids.current": "60",
        "proc/7/status": "Name: x\nThreads:\t25\n",
        "proc/sys/fs/inotify/max_user_instances": "128\n",
    }
    machine = root(tmp_path, files)
    for pid, count in (("7", 3), ("8", 2)):
        (machine / f"proc/{pid}/fd").mkdir(parents=True)
        for number in range(count):
            (machine / f"proc/{pid}/fd/{number}").symlink_to("anon_inode:inotify")

    assert (40, 123) == _of(limits.read(machine))
    assert (65, 126) == _of(limits.read(machine, ours=[7]))


def _of(found: Limits) -> tuple[int | None, int | None]:
    return found.tasks, found.inotify_instances


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (V2 | {"sys/fs/cgroup/user.slice/up/memory.events": "low 0\noom 4\noom_kill 3\n"}, 3),
        (V1 | {"sys/fs/cgroup/memory/up/memory.oom_control": "under_oom 0\noom_kill 5\n"}, 5),
        ({"proc/vmstat": "nr_free_pages 1\noom_kill 7\n"}, 7),
        (V2 | {"proc/vmstat": "oom_kill 2\n"}, 2),
    ],
)
def test_memory_kills(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    """The kernel's count of kills is the group's own, or the machine's."""
    assert expected == limits.memory_kills(root(tmp_path, files))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Limits(files=300), "found 300 open files (ulimit -Hn), expected 336 at least"),
        (Limits(tasks=200, tasks_limit_of="x"), "found 200 processes and threads (x), expected"),
        (Limits(inotify_instances=3), "sysctl -w fs.inotify.max_user_instances=1024"),
        (Limits(inotify_watches=10), "sysctl -w fs.inotify.max_user_watches=65536"),
    ],
)
def test_unmet(found: Limits, words: str) -> None:
    """The limit that would bite is named, with what is found, what is needed and the remedy."""
    reason = limits.unmet(needs([workload(replicas=20)]), found)

    assert reason.startswith("20 servers do not fit on this machine: found ")
    assert words in reason
    assert reason.endswith("or run fewer replicas")


def test_met() -> None:
    """Where all limits are high enough nothing is said."""
    enough = Limits(1024, 4096, "x", 128, 8192, 1 << 30)

    assert "" == limits.unmet(needs([workload(replicas=20)]), enough)


def test_refused_are_those_that_come_last() -> None:
    """A model that does not fit beside those before it is refused, and those after it may fit."""
    models = {"a": [workload("a-r1", 10)], "b": [workload("b-r1", 50)], "c": [workload("c-r1")]}

    found = limits.refused(models, Limits(tasks=64 + 10 * 12, tasks_limit_of="x"))

    assert ["b"] == list(found)
    assert "60 servers do not fit" in found["b"]


def test_what_runs_is_not_refused() -> None:
    """Servers that run leave less room, also where they have none any more; they are not judged."""
    wanted = {"a": [workload("a-r1", 0)], "b": [workload("b-r1")]}
    for running in (2, 50):
        found = limits.refused(wanted, Limits(tasks=64 + 2 * 10), [workload("c-r1", running)])

        assert ["b"] == list(found)


def test_the_engine_alone_does_not_fit() -> None:
    """A machine without room for the engine and Envoy is told so."""
    reason = limits.unmet(Needs(), Limits(inotify_instances=2))

    assert reason.startswith("the engine and Envoy do not fit on this machine: found 2 inotify")


@pytest.mark.parametrize(
    ("used_mib", "words"), [(60, ""), (200, "memory is short: found 1,000 MiB for everything here")]
)
def test_memory(used_mib: int, words: str) -> None:
    """Only what the servers were seen to use counts; their limits may add up to more."""
    wanted = [workload("a-r1", 5), workload("b-r1", 5)]
    used = {"a-r1": used_mib << 20, "b-r1": 10 << 20}

    reason = limits.short_of_memory(wanted, used, Limits(memory_bytes=1000 << 20))

    assert reason.startswith(words)
    assert bool(words) is bool(reason)
    assert not words or "most of it for a-r1" in reason


def test_open_files_are_raised() -> None:
    """The soft limit of open files becomes the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))

    limits.raise_files()

    assert (hard, hard) == resource.getrlimit(resource.RLIMIT_NOFILE)


def test_of_this_machine() -> None:
    """The real system says something, and a few servers fit on it."""
    found = limits.read()

    assert found.memory_bytes is None or found.memory_bytes > 1 << 20
    assert "" == limits.unmet(needs([workload(replicas=2)]), found)
