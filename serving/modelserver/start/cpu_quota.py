"""How many CPUs this process may use: its control group's quota, else the CPUs it may run on."""

import os
from pathlib import Path

from modelserver.start import control_groups


def usable_cpus(root: Path = control_groups.ROOT, affinity: int | None = None) -> int:
    """Whole CPUs, at least 1.

    The quota is rounded down, so that the threads never use it up before its period ends. The
    result is not above `affinity`, by default the CPUs that the scheduler may put this process on.
    """
    available = len(os.sched_getaffinity(0)) if affinity is None else affinity
    quota = cpu_quota(root)
    return available if quota is None else max(1, min(available, int(quota)))


def cpu_quota(root: Path = control_groups.ROOT) -> float | None:
    """CPUs that the control group allows, None without a limit. `root` holds proc/ and sys/."""
    return control_groups.smallest("cpu", root, v1=_read_v1, v2=_read_v2)


def parse_cpu_max(text: str) -> float | None:
    """CPUs in a version 2 `cpu.max`: `QUOTA PERIOD`, or `max PERIOD` without a limit."""
    quota, _, period = text.strip().partition(" ")
    return None if quota == "max" else int(quota) / int(period or "100000")


def parse_cfs(quota_us: str, period_us: str) -> float | None:
    """CPUs in version 1's `cpu.cfs_quota_us` (-1 without a limit) and `cpu.cfs_period_us`."""
    quota = int(quota_us)
    return None if quota < 0 else quota / int(period_us)


def _read_v2(folder: Path) -> float | None:
    return parse_cpu_max((folder / "cpu.max").read_text(encoding="ascii"))


def _read_v1(folder: Path) -> float | None:
    quota = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii")
    return parse_cfs(quota, (folder / "cpu.cfs_period_us").read_text(encoding="ascii"))
