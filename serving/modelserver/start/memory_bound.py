"""A bound on the memory of this process, so that it says itself that a model is too large.

A kernel that promises any amount of memory (`vm.overcommit_memory` 1, as the kubelet sets it on
every node) refuses no allocation: it kills the process once the promise cannot be kept, after
minutes perhaps, and without a word about the model. With the bound an allocation that can never be
kept fails at once, and the start ends with `ModelOutOfMemory`.

Source: getrlimit(2), `RLIMIT_DATA`: since Linux 4.7 it counts all private writable mappings.
"""

import os
import resource
from pathlib import Path

from modelserver.start import control_groups, usage
from modelserver.start.memory_plan import LATER_BYTES, USED_SHARE

# Times the memory that there is, while a model is loaded. The bound counts what is mapped, while
# memory is used up by what is touched: a server that fits is never refused.
_MAPPED_PER_TOUCHED = 2

# Bytes: a thread's stack (8 MiB unless it is set otherwise), and as much again for the C library.
_THREAD_BYTES = 16 << 20

_FILES_BYTES = 8 << 20  # pages of libraries that are touched later, which the bound does not count

# Mapped beyond what is in use: stacks of threads, most of all, and what is imported later.
_LEAST_SPARE_BYTES = (32 << 20) + LATER_BYTES


def impose(threads: int, limit_bytes: int) -> int | None:
    """Bound what this process may map from now on, when a model is about to be run by `threads`.

    Gives the bound in bytes, None where the kernel does not say how much is mapped already. A lower
    limit that was set before stays.
    """
    return _bound(_MAPPED_PER_TOUCHED * limit_bytes + threads * _THREAD_BYTES)


def tighten(limit_bytes: int) -> int | None:
    """Bound it anew, as `impose`, once the model is loaded and all threads have their stacks.

    What is mapped beyond what is planned with fails before the kernel ends the process.
    """
    rest = int(limit_bytes * USED_SHARE) - usage.read().resident - _FILES_BYTES
    return _bound(max(rest, _LEAST_SPARE_BYTES))


def _bound(rest_bytes: int) -> int | None:
    """Let so many bytes be mapped beside those that are."""
    mapped = usage.read().mapped
    if not mapped:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = mapped + rest_bytes
    chosen = wanted if soft == resource.RLIM_INFINITY else min(soft, wanted)
    resource.setrlimit(resource.RLIMIT_DATA, (chosen, hard))
    return chosen


def memory_bytes(root: Path = control_groups.ROOT) -> int:
    """Memory that this process may use: the limit of its control group, at most the machine's.

    `root` holds proc/ and sys/.
    """
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = control_groups.smallest("memory", root, v1=_read_v1, v2=_read_v2)
    return machine if limit is None else min(limit, machine)


def _read_v2(folder: Path) -> int | None:
    text = (folder / "memory.max").read_text(encoding="ascii").strip()
    return None if text == "max" else int(text)


def _read_v1(folder: Path) -> int:
    """Without a limit version 1 says a number that no machine reaches."""
    return int((folder / "memory.limit_in_bytes").read_text(encoding="ascii"))
