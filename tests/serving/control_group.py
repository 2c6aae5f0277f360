"""A control group of little memory, in which a server of a test lives."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from waiting import until


@dataclass(frozen=True)
class Group:
    """A group in the kernel's tree, of version 1 or 2."""

    folder: Path
    is_v1: bool

    @property
    def joining(self) -> str:
        """Python that lets the process which runs it join."""
        return f"open('{self.folder}/cgroup.procs', 'w').write('0')"

    def peak_bytes(self) -> int:
        """The most memory its processes had, without pages of files, which need not stay."""
        name = "memory.max_usage_in_bytes" if self.is_v1 else "memory.peak"
        found = re.search(
            r"^cache (\d+)$" if self.is_v1 else r"^file (\d+)$",
            (self.folder / "memory.stat").read_text(),
            re.MULTILINE,
        )
        return int((self.folder / name).read_text()) - int(found[1] if found else 0)

    def forget_peak(self) -> None:
        """Count from now on, where this version can."""
        if self.is_v1:
            (self.folder / "memory.max_usage_in_bytes").write_text("0")

    def killed(self) -> int:
        """How many of its processes the kernel ended for want of memory."""
        name = "memory.oom_control" if self.is_v1 else "memory.events"
        found = re.search(r"^oom_kill (\d+)$", (self.folder / name).read_text(), re.MULTILINE)
        return int(found[1]) if found else 0


@contextmanager
def of(memory_bytes: int) -> Iterator[Group]:
    """A group within the one of these tests; the test is skipped where none can be made."""
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().split())
    is_v1 = "memory" in own
    mount, limit = ("memory", "memory.limit_in_bytes") if is_v1 else ("", "memory.max")
    around = Path("/sys/fs/cgroup", mount, own["memory" if is_v1 else ""].lstrip("/"))
    folder = around / f"small-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(memory_bytes))
    except OSError as error:
        if folder.exists():
            folder.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    yield Group(folder, is_v1)
    until((folder / "cgroup.procs").read_text, lambda members: not members)
    folder.rmdir()
