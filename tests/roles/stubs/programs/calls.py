"""What every stub program shares: the log of its calls, its state, its package's version."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

LOGS = Path(os.environ.get("STUB_LOGS", "/var/log/stub"))
STATE = Path(os.environ.get("STUB_STATE", "/var/lib/stub"))
VOLATILE = Path(os.environ.get("STUB_RUN", "/run/stub"))


def log(name: str) -> list[str]:
    """Append this call's arguments to the program's log and return them."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"{name}.log").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(sys.argv[1:]) + "\n")
    return sys.argv[1:]


def out(text: str) -> None:
    """Print one line on stdout."""
    sys.stdout.write(text + "\n")


def fail(message: str, *, status: int = 1) -> NoReturn:
    """End the program the way its real counterpart does: a message on stderr."""
    sys.stderr.write(message + "\n")
    sys.exit(status)


def version(package: str) -> str:
    """The upstream version of the installed package, `0` when it is not installed."""
    if shutil.which("dpkg-query") is None:
        return "0"
    found = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", package],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    # A service may start while dpkg is still configuring the package: unpacked is enough.
    is_there = len(found) == 2 and found[0][1] in "iUFWt"
    return found[1].split(":")[-1].rsplit("-", 1)[0] if is_there else "0"


def minor(text: str) -> tuple[int, int]:
    """Major and minor number of a version, with or without a leading `v`."""
    major, number = text.lstrip("v").split(".")[:2]
    return int(major), int(number)


def option(arguments: list[str], name: str, default: str = "") -> str:
    """The value of `--name value` or `--name=value`."""
    for place, argument in enumerate(arguments):
        if argument == name and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith(f"{name}="):
            return argument.split("=", 1)[1]
    return default


def load(name: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
    """A stub's saved state."""
    path = STATE / f"{name}.json"
    saved: dict[str, Any] = json.loads(path.read_text()) if path.exists() else (default or {})
    return saved


def save(name: str, state: dict[str, Any]) -> None:
    """Keep a stub's state over restarts of the container."""
    STATE.mkdir(parents=True, exist_ok=True)
    (STATE / f"{name}.json").write_text(json.dumps(state, indent=1))


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file and the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def notify_ready() -> None:
    """Tell systemd that a `Type=notify` service is up."""
    if "NOTIFY_SOCKET" in os.environ:
        subprocess.run(["systemd-notify", "--ready"], check=True)
