"""A control group of little memory, as a pod has one, where this process may make one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMBERS = "cgroup.procs"


@contextmanager
def of(memory_bytes: int) -> Iterator[Path | None]:
    """The folder of a group within the one of this process; None where none can be made."""
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().split())
    is_v1 = "memory" in own
    mount, limit = ("memory", "memory.limit_in_bytes") if is_v1 else ("", "memory.max")
    around = Path("/sys/fs/cgroup", mount, own["memory" if is_v1 else ""].lstrip("/"))
    folder = around / f"bench-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(memory_bytes))
    except OSError:
        if folder.exists():
            folder.rmdir()
        yield None
        return
    try:
        yield folder
    finally:
        folder.rmdir()


@contextmanager
def inside(folder: Path | None) -> Iterator[None]:
    """What is started in the block is born in the group; this process is there for as long."""
    if folder is None:
        yield
        return
    (folder / _MEMBERS).write_text(str(os.getpid()))
    try:
        yield
    finally:
        (folder.parent / _MEMBERS).write_text(str(os.getpid()))
