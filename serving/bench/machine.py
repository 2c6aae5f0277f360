"""What the figures were measured on and with."""

import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from serving.bench import wrk
from serving.bench.contestant import ROOT


def made() -> dict[str, Any]:
    """Machine, versions, command and date; peers' packages join `environments` by name."""
    own = {each.metadata["Name"].lower(): each.version for each in distributions()}
    return host("serving.bench", "serving") | {
        "wrk": wrk.version(),
        "environments": {"modelserver": own},
    }


def host(program: str, *measured: str) -> dict[str, Any]:
    """Machine, command, date, and the commit: marked when the measured folders differ from it."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join([f"python -m {program}", *sys.argv[1:]]),
        "commit": _commit(measured),
        "cpu": _field(Path("/proc/cpuinfo"), "model name"),
        "cores": len(_fields(Path("/proc/cpuinfo"), "processor")),
        "memory_bytes": int(_field(Path("/proc/meminfo"), "MemTotal").split()[0]) * 1024,
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}",
        "python": platform.python_version(),
    }


def _commit(measured: Sequence[str]) -> str:
    git = ["git", "-C", str(ROOT)]
    head = _said([*git, "rev-parse", "--short=12", "HEAD"])
    changed = _said([*git, "status", "--porcelain", "--", *measured])
    return f"{head} with uncommitted changes" if changed else head


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _field(path: Path, name: str) -> str:
    return next(iter(_fields(path, name)), "unknown")


def _fields(path: Path, name: str) -> list[str]:
    pairs = (line.partition(":") for line in path.read_text().splitlines())
    return [value.strip() for key, _, value in pairs if key.strip() == name]
