"""What the kernel says of the memory of this process."""

from pathlib import Path

import numpy as np

from modelserver.start import usage
from modelserver.start.usage import Usage
from tests.serving.memory import MIB

STATUS = "VmHWM:\t   900 kB\nVmRSS:\t   700 kB\nRssAnon:\t   300 kB\nVmData:\t  5000 kB\n"


def test_fields_are_read_in_bytes(tmp_path: Path) -> None:
    """The kernel counts in kibibytes."""
    path = tmp_path / "status"
    path.write_text(STATUS)

    assert Usage(700 << 10, 900 << 10, 300 << 10, 5000 << 10) == usage.read(path)


def test_missing_fields_count_as_nothing(tmp_path: Path) -> None:
    """A kernel that does not tell them apart has all memory count as held for good."""
    path = tmp_path / "status"
    path.write_text("VmRSS:\t   700 kB\n")

    assert Usage(700 << 10, 700 << 10, 700 << 10, 0) == usage.read(path)


def test_peak_is_of_what_came_since() -> None:
    """Memory that was taken and freed shows in the peak until that is forgotten."""
    np.ones(64 * MIB, np.uint8)
    before = usage.read()
    usage.forget_peak()

    assert usage.read().peak <= before.peak
    assert before.peak - before.resident > 32 * MIB or usage.read().peak == before.peak
