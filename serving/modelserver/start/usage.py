"""How much memory this process holds now, and at the most since somebody last asked.

Source: proc(5), `/proc/pid/status` and `/proc/pid/clear_refs`.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"  # the peak is the memory in use from here on; needs no privilege

_FIELD = re.compile(r"^(?P<name>VmHWM|VmRSS|RssAnon|VmData):\s*(?P<kib>\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes: in use, in use at the most, in use and not backed by a file, mapped as private data.

    What a kernel does not tell is 0.
    """

    resident: int
    peak: int
    anonymous: int
    mapped: int


def read(status: Path = STATUS) -> Usage:
    """What this process uses; `status` is the kernel's file."""
    found = {
        match["name"]: int(match["kib"]) * 1024
        for match in _FIELD.finditer(status.read_text(encoding="utf-8"))
    }
    resident = found.get("VmRSS", 0)
    return Usage(
        resident=resident,
        peak=max(resident, found.get("VmHWM", 0)),
        anonymous=found.get("RssAnon", resident),
        mapped=found.get("VmData", 0),
    )


def forget_peak() -> None:
    """Let the peak be what is in use now; where the kernel does not, it stays what it was."""
    with suppress(OSError):
        _CLEAR_REFS.write_text(_FORGET_PEAK, encoding="ascii")
