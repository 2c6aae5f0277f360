"""Ends what runs on a state folder: an engine in order, then whatever it has left."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

from modelctl.errors import UsageError
from modelctl.local.servers import processes
from modelctl.local.state import Lock, StateFolder, is_held

_LIMIT_S = 120.0  # an engine waits for Envoy to drain, then for the slowest server's grace
_POLL_S = 0.05
_ENVOY = "envoy"


def end(folder: StateFolder) -> Iterator[str]:
    """End everything, and say of each what was ended.

    Raises:
        UsageError: The engine cannot be told apart, or another one has begun meanwhile.
    """
    if not folder.root.is_dir():
        return
    if is_held(folder):
        yield from _end_engine(folder)
    with Lock(folder):  # nobody begins while what was left is looked for
        left = processes.found(folder.root)
        # As an engine ends them: no new requests, then the servers.
        processes.end(found for found in left if found.name == _ENVOY)
        processes.end(found for found in left if found.name != _ENVOY)
        for found in left:
            yield f"ended {found.name} (process {found.pid}), which no engine looked after"


def _end_engine(folder: StateFolder) -> Iterator[str]:
    """Ask the engine to end, wait until it has, and end it by force if it does not."""
    engine = _engine(folder)
    started = time.monotonic()
    how = "ended"
    with suppress(ProcessLookupError):  # it ends by itself just now
        os.kill(engine.pid, signal.SIGTERM)
    while is_held(folder) and engine.is_running():
        if how == "ended" and time.monotonic() - started > _LIMIT_S:
            how = f"killed, after {_LIMIT_S:g} s in vain,"
            with suppress(psutil.Error):
                engine.kill()
        time.sleep(_POLL_S)
    yield f"{how} modelctl up (process {engine.pid}) after {time.monotonic() - started:.1f} s"


def _engine(folder: StateFolder) -> psutil.Process:
    """The process that holds the lock."""
    text = folder.lock.read_text(encoding="ascii", errors="replace").strip()
    try:
        return psutil.Process(int(text))
    except (ValueError, psutil.Error) as error:
        raise UsageError(
            f"{folder.lock} is held by a process that it does not name, found {text[:20]!r}, "
            "expected its id; end that `modelctl up` where it runs"
        ) from error
