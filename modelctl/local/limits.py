"""What the system lets one user and one control group have, and whether wanted servers fit in it.

All limits are read before anything is started, so that the one that would bite is named with what
asks for how much of it. Reading and judging are apart: `read` looks at files below a root, `unmet`
and `refused` compare numbers.

Source: getrlimit(2), inotify(7), control groups of version 1 and 2, proc(5).
"""

import os
import re
import resource
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from modelctl.local.plan.values import Workload

# Threads of a server beside those that run its model, measured: three at rest, more while it starts
# and tries out its model in a process of its own. No more than it needs: what runs is not refused.
_THREADS = 8
_OWN_THREADS = 64  # of the engine, Envoy and git
# Open files of the engine: for each server one that tells its end, one probe at a time and its log.
_FILES = 4
_OWN_FILES = 256
_INOTIFY_INSTANCES = 4  # three of Envoy, one for each kind of watched file, and one of the engine
_INOTIFY_WATCHES = 256
_PIDS = "pids"
_MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits, and what is used of them already; None where there is none, or none is told."""

    files: int | None = None
    tasks: int | None = None
    tasks_limit_of: str = ""
    inotify_instances: int | None = None
    inotify_watches: int | None = None
    memory_bytes: int | None = None


def read(root: Path = Path("/"), ours: Collection[int] = ()) -> Limits:
    """The limits of this process, less what others use of them; `root` holds proc/ and sys/.

    `ours` are the ids of what an earlier run left, which counts among the wanted servers already.
    """
    tasks, limit_of = _tasks(root, ours)
    instances = _number(root / "proc/sys/fs/inotify/max_user_instances")
    watches = _number(root / "proc/sys/fs/inotify/max_user_watches")
    return Limits(
        files=_finite(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        tasks=tasks,
        tasks_limit_of=limit_of,
        inotify_instances=None if instances is None else instances - _instances_used(root, ours),
        inotify_watches=watches,
        memory_bytes=_memory(root),
    )


def raise_files() -> None:
    """Let this process, and all that it starts, have as many open files as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # macOS has a lower bound of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@dataclass(frozen=True, slots=True)
class Needs:
    """What servers need of the system."""

    servers: int = 0
    threads: int = 0

    def __add__(self, other: Self) -> Self:
        """Both beside each other."""
        return replace(
            self, servers=self.servers + other.servers, threads=self.threads + other.threads
        )


def needs(wanted: Iterable[Workload]) -> Needs:
    """What the servers of Deployments need."""
    found = [(w.replicas, _THREADS + _model_threads(w)) for w in wanted if w.replicas]
    return Needs(sum(count for count, _ in found), sum(count * each for count, each in found))


def unmet(needed: Needs, limits: Limits) -> str:
    """Which limit is too low for these servers beside each other; "" where all of them fit."""
    expectations = (
        (
            limits.files,
            _OWN_FILES + _FILES * needed.servers,
            "open files (ulimit -Hn)",
            "raise the hard limit: `ulimit -Hn`, LimitNOFILE of a unit, or limits.conf",
        ),
        (
            limits.tasks,
            _OWN_THREADS + needed.threads,
            f"processes and threads ({limits.tasks_limit_of})",
            "raise it: `ulimit -u`, TasksMax of a unit, or --pids-limit of a container",
        ),
        (
            limits.inotify_instances,
            _INOTIFY_INSTANCES,
            "inotify instances of this user (fs.inotify.max_user_instances, less those in use)",
            "sysctl -w fs.inotify.max_user_instances=1024",
        ),
        (
            limits.inotify_watches,
            _INOTIFY_WATCHES,
            "inotify watches (fs.inotify.max_user_watches)",
            "sysctl -w fs.inotify.max_user_watches=65536",
        ),
    )
    for found, expected, what, remedy in expectations:
        if found is not None and found < expected:
            return (
                f"{_spelled(needed.servers)} not fit on this machine: found {found} {what}, "
                f"expected {expected} at least; {remedy}"
                f"{', or run fewer replicas' if needed.servers else ''}"
            )
    return ""


def refused(
    models: Mapping[str, Iterable[Workload]], limits: Limits, running: Iterable[Workload] = ()
) -> dict[str, str]:
    """The models, taken in their order, that do not fit beside those before them, with why.

    What is `running` comes first and is not judged: it is not refused for what is new.
    """
    taken = needs(running)
    found: dict[str, str] = {}
    for model, workloads in models.items():
        wanted = taken + needs(workloads)
        reason = unmet(wanted, limits) if wanted != taken else ""
        if reason:
            found[model] = reason
        else:
            taken = wanted
    return found


def short_of_memory(
    wanted: Iterable[Workload], used_bytes: Mapping[str, int], limits: Limits
) -> str:
    """A warning where the wanted servers cannot all have what they were seen to use; else "".

    `used_bytes` is what one server of a Deployment uses, by name. Their limits may add up to more
    than there is: most models use a part of theirs, and what would run is not refused.
    """
    if limits.memory_bytes is None:
        return ""
    servers = [w for w in wanted if w.replicas]
    needed = sum(w.replicas * used_bytes.get(w.name, 0) for w in servers)
    if needed <= limits.memory_bytes:
        return ""
    largest = max(servers, key=lambda w: w.replicas * used_bytes.get(w.name, 0))
    promised = sum(w.replicas * w.template.memory_bytes for w in servers)
    return (
        f"memory is short: found {_mib(limits.memory_bytes)} for everything here, expected "
        f"{_mib(needed)} for what the servers use (their limits add up to {_mib(promised)}); "
        f"most of it for {largest.name}: run fewer replicas, retire a release, or give more memory"
    )


def memory_kills(root: Path = Path("/")) -> int | None:
    """How often the kernel has ended a process here because memory ran out; None if it says not."""
    for folder in _groups(root, _MEMORY):
        for name in ("memory.events", "memory.oom_control"):
            found = _field(folder / name, "oom_kill")
            if found is not None:
                return found
    return _field(root / "proc/vmstat", "oom_kill")


def _spelled(servers: int) -> str:
    return f"{servers} servers do" if servers else "the engine and Envoy do"


def _model_threads(workload: Workload) -> int:
    value = workload.template.variable("MODELSERVER_THREADS") or ""
    return int(value) if value.isdecimal() else os.cpu_count() or 1


def _tasks(root: Path, ours: Collection[int]) -> tuple[int | None, str]:
    """How many more processes and threads there may be, and which limit says so."""
    found: list[tuple[int, str]] = []
    soft = _finite(resource.getrlimit(resource.RLIMIT_NPROC)[0])
    if soft is not None and os.getuid():  # the superuser has no such limit
        mine = (p for p in _processes(root) if _field(p / "status", "Uid:") == os.getuid())
        in_use = sum(_threads(p) for p in mine if int(p.name) not in ours)
        found.append((soft - in_use, "ulimit -u, less those in use"))
    for folder in _groups(root, _PIDS):
        limit, used = _number(folder / "pids.max"), _number(folder / "pids.current")
        if limit is not None:
            free = limit - (used or 0) + sum(_threads(root / f"proc/{pid}") for pid in ours)
            found.append((free, f"{folder}/pids.max, less those in use"))
    machine = _number(root / "proc/sys/kernel/threads-max")
    if machine is not None:
        found.append((machine, "kernel.threads-max"))
    return min(found) if found else (None, "")


def _memory(root: Path) -> int | None:
    """The memory that there is for everything here: the smallest limit above, or the machine's."""
    found = [
        limit
        for folder in _groups(root, _MEMORY)
        for name in ("memory.max", "memory.limit_in_bytes")
        if (limit := _number(folder / name)) is not None
    ]
    machine = _field(root / "proc/meminfo", "MemTotal:")
    if machine is not None:
        found.append(machine * 1024)
    return min(found, default=None)


def _groups(root: Path, controller: str) -> list[Path]:
    """The folders of this process's control groups for a controller, and all above them.

    A container that sees its own group only has it at the top, whatever proc/self/cgroup says.
    """
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            top = root / "sys/fs/cgroup"
            if controller in controllers.split(","):
                top /= controller
            elif number != "0" or not (top / "cgroup.controllers").exists():
                continue
            folder = top / path.lstrip("/")
            return [f for f in (folder, *folder.parents) if f.is_relative_to(top) and f.is_dir()]
    return []


def _instances_used(root: Path, ours: Collection[int]) -> int:
    """The inotify instances that other processes of this user have."""
    used = 0
    for process in _processes(root):
        if int(process.name) not in ours:
            with suppress(OSError):  # it has ended, or is somebody else's
                files = (process / "fd").iterdir()
                used += sum(str(file.readlink()) == "anon_inode:inotify" for file in files)
    return used


def _processes(root: Path) -> list[Path]:
    return list((root / "proc").glob("[0-9]*"))


def _threads(process: Path) -> int:
    return _field(process / "status", "Threads:") or 0


def _number(path: Path) -> int | None:
    """The number in a file; None where there is none, such as `max`."""
    with suppress(OSError, ValueError):
        return int(path.read_text(encoding="ascii"))
    return None


def _field(path: Path, name: str) -> int | None:
    """The number after a name at the begin of a line."""
    with suppress(OSError):
        text = path.read_text(encoding="ascii", errors="replace")
        match = re.search(rf"^{re.escape(name)}\s+(\d+)", text, re.MULTILINE)
        return int(match[1]) if match else None
    return None


def _finite(limit: int) -> int | None:
    return None if limit == resource.RLIM_INFINITY else limit


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
