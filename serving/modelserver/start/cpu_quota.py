"""How many CPUs this process may use: the cgroup's quota, else the CPUs it may run on."""

import os
from pathlib import Path, PurePosixPath


def usable_cpus(root: Path = Path("/"), affinity: int | None = None) -> int:
    """Whole CPUs, at least 1.

    The smallest quota of the process's cgroup and the ones around it (version 2 or 1), rounded down
    so that the threads never use the quota up before its period ends; not more than `affinity`, by
    default the CPUs that the scheduler may put this process on.
    """
    available = len(os.sched_getaffinity(0)) if affinity is None else affinity
    quota = cpu_quota(root)
    return available if quota is None else max(1, min(available, int(quota)))


def cpu_quota(root: Path = Path("/")) -> float | None:
    """CPUs that the cgroup allows, None without a limit. `root` holds proc/ and sys/."""
    try:
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8")
    except OSError:
        return None
    quotas = [
        quota
        for controllers, path in parse_cgroups(groups)
        for quota in _quotas(root / "sys/fs/cgroup", controllers, path)
    ]
    return min(quotas, default=None)


def parse_cgroups(text: str) -> list[tuple[str, PurePosixPath]]:
    """Controllers (empty: version 2) and path of each line ``ID:CONTROLLERS:PATH``."""
    lines = [line.split(":", 2) for line in text.splitlines() if line]
    return [(controllers, PurePosixPath(path)) for _, controllers, path in lines]


def parse_cpu_max(text: str) -> float | None:
    """CPUs in a version 2 ``cpu.max``: ``QUOTA PERIOD``, or ``max PERIOD`` without a limit."""
    quota, _, period = text.strip().partition(" ")
    return None if quota == "max" else int(quota) / int(period or "100000")


def parse_cfs(quota_us: str, period_us: str) -> float | None:
    """CPUs in version 1's ``cpu.cfs_quota_us`` (-1 without a limit) and ``cpu.cfs_period_us``."""
    quota = int(quota_us)
    return None if quota < 0 else quota / int(period_us)


def _quotas(mount: Path, controllers: str, path: PurePosixPath) -> list[float]:
    """Quota of the group and of every group around it, as far as they are visible here."""
    relative = path.relative_to("/")
    names = controllers.split(",")
    if controllers and "cpu" not in names:
        return []
    base = mount / ("cpu" if controllers else "")
    found = []
    for group in (relative, *relative.parents):
        try:
            quota = _read_v1(base / group) if controllers else _read_v2(base / group)
        except (OSError, ValueError):
            continue  # not visible from inside this container, or not limited at this level
        if quota is not None:
            found.append(quota)
    return found


def _read_v2(folder: Path) -> float | None:
    return parse_cpu_max((folder / "cpu.max").read_text(encoding="ascii"))


def _read_v1(folder: Path) -> float | None:
    quota = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii")
    return parse_cfs(quota, (folder / "cpu.cfs_period_us").read_text(encoding="ascii"))
