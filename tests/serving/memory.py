"""Memory of a server's process."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.serving.conftest import Server

MIB = 1 << 20


def resident_bytes(server: "Server") -> int:
    """Memory that the process uses now."""
    return int(server.metric("process_resident_memory_bytes"))


def peak_bytes(server: "Server") -> int:
    """The most memory that the process has used so far."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def forget_peak(server: "Server") -> None:
    """Let the peak of the process count from now on, where the kernel can."""
    with suppress(OSError):
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
