"""Looks at this machine: git, disk, ports and what the system allows."""

import re
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from modelctl.doctor.values import Look, fail, warn, well
from modelctl.errors import GitError
from modelctl.local import limits
from modelctl.local.running import ask
from modelctl.local.state import StateFolder
from modelctl.repo import git

_GIT = (2, 31)  # the first with --path-format, which finds the folder that work trees share
_LITTLE_BYTES = 1 << 30  # a few images of models, and the log of an engine
_NOTHING_BYTES = 64 << 20
_PORTS = (8080, 8081)  # of `modelctl up` unless it is told otherwise
_FILES = 1024  # an engine with a dozen servers
_INOTIFY = 4  # what Envoy and the engine hold
_MIB = 1 << 20


def looks(folder: Path) -> Iterator[Look]:
    """The looks at what no repository changes; `folder` is where work is done."""
    yield well("python", f"{sys.version.split()[0]} in {sys.prefix}")
    yield _git(folder)
    yield _disk(folder)


def looks_for_serving(folder: Path) -> Iterator[Look]:
    """The looks at what `modelctl up` needs."""
    running = ask(StateFolder(folder / ".modelctl")).is_running
    for port in _PORTS:
        yield _port(port, is_ours=running)
    found = limits.read()
    if found.files is not None and found.files < _FILES:
        remedy = "raise the hard limit: ulimit -Hn, or LimitNOFILE= of the service"
        yield warn("open files", f"at most {found.files}, expected {_FILES}", remedy)
    if found.inotify_instances is not None and found.inotify_instances < _INOTIFY:
        remedy = "sysctl fs.inotify.max_user_instances=512"
        yield fail("inotify", f"{found.inotify_instances} instances left of {_INOTIFY}", remedy)
    if found.memory_bytes is not None:
        yield well("memory", f"{found.memory_bytes // _MIB:,} MiB may be used")


def _git(folder: Path) -> Look:
    try:
        told = git.text(folder, "--version")
    except GitError as error:
        return fail("git", str(error).partition(":")[0], "install it: apt-get install git")
    match = re.search(r"(\d+)\.(\d+)", told)
    found = (int(match[1]), int(match[2])) if match else (0, 0)
    if found < _GIT:
        return fail("git", told, f"install {'.'.join(map(str, _GIT))} or newer")
    return well("git", told)


def _disk(folder: Path) -> Look:
    free = shutil.disk_usage(folder).free
    found = f"{free // _MIB:,} MiB free at {folder}"
    if free < _NOTHING_BYTES:
        return fail("disk", found, "free some space: an edit or a log could not be written whole")
    if free < _LITTLE_BYTES:
        return warn("disk", found, "free some space: artifacts and logs grow below .modelctl/")
    return well("disk", found)


def _port(port: int, *, is_ours: bool) -> Look:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if is_ours:
                return well(f"port {port}", "held, as `modelctl up` runs here")
            option = "--port" if port == _PORTS[0] else "--status-port"
            remedy = f"`modelctl up {option} 0` takes a free one"
            return warn(f"port {port}", str(error.strerror), remedy)
    return well(f"port {port}", "free")
