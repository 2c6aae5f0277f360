from pathlib import Path

import pytest

from modelserver.start.cpu_quota import cpu_quota, parse_cfs, parse_cpu_max, usable_cpus
from tests.serving.kernel_files import tree


@pytest.mark.parametrize(
    ("text", "expected"),
    [("max 100000\n", None), ("200000 100000\n", 2.0), ("50000 100000\n", 0.5), ("150000", 1.5)],
)
def test_cpu_max(text: str, expected: float | None) -> None:
    """Version 2 says quota and period, or max for no limit."""
    assert expected == parse_cpu_max(text)


@pytest.mark.parametrize(
    ("quota", "period", "expected"), [("-1", "100000", None), ("300000\n", "100000\n", 3.0)]
)
def test_cfs(quota: str, period: str, expected: float | None) -> None:
    """Version 1 says the two in files of their own, with -1 for no limit."""
    assert expected == parse_cfs(quota, period)


def test_smallest_quota_around_counts(tmp_path: Path) -> None:
    """A tighter limit of a group further out holds for the groups within."""
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/pods/one\n",
            "sys/fs/cgroup/pods/one/cpu.max": "400000 100000",
            "sys/fs/cgroup/pods/cpu.max": "150000 100000",
        },
    )

    assert cpu_quota(root) == 1.5


def test_container_sees_its_own_group_as_root(tmp_path: Path) -> None:
    """Inside a container the path is / and the limit lies at the mount itself."""
    root = tree(
        tmp_path,
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"},
    )

    assert usable_cpus(root, affinity=16) == 2


def test_version_1(tmp_path: Path) -> None:
    """The cpu controller's own hierarchy counts, the others do not."""
    folder = "sys/fs/cgroup/cpu/kubepods/one"
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "5:memory:/kubepods/one\n4:cpu,cpuacct:/kubepods/one\n",
            f"{folder}/cpu.cfs_quota_us": "250000\n",
            f"{folder}/cpu.cfs_period_us": "100000\n",
        },
    )

    assert usable_cpus(root, affinity=16) == 2


@pytest.mark.parametrize(("quota", "expected"), [("50000 100000", 1), ("800000 100000", 4)])
def test_bounds(tmp_path: Path, quota: str, expected: int) -> None:
    """At least one thread, and no more than the CPUs that the process may run on."""
    root = tree(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": quota})

    assert expected == usable_cpus(root, affinity=4)


def test_no_cgroup(tmp_path: Path) -> None:
    """Without cgroups the CPUs that the process may run on decide."""
    assert usable_cpus(tmp_path, affinity=3) == 3
