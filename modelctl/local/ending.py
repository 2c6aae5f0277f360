"""Ends what runs on a state folder: an engine in order, then whatever it has left."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

from modelctl.errors import UsageError
from modelctl.local.envoy.folder import files_of, remove
from modelctl.local.servers import processes
from modelctl.local.state import Lock, StateFolder, holder

_LIMIT_S = 120.0  # an engine waits for Envoy to drain, then for the slowest server's grace
_LEAVE_LIMIT_S = 20.0  # what it runs needs no time then
_POLL_S = 0.05
_ENVOY = "envoy"


def end(folder: StateFolder) -> Iterator[str]:
    """End everything, and say of each what was ended.

    Raises:
        UsageError: The engine cannot be told apart, or another one has begun meanwhile.
    """
    if not folder.root.is_dir():
        return
    if holder(folder) is not None:
        yield from _end_engine(folder)
    with Lock(folder):  # nobody begins while what was left is looked for
        left = processes.found(folder.root)
        # As an engine ends them: no new requests, then the servers.
        processes.end(found for found in left if found.name == _ENVOY)
        processes.end(found for found in left if found.name != _ENVOY)
        remove(files_of(folder))
        for found in left:
            yield f"ended {found.name} (process {found.pid}), which no engine looked after"


def take_over(folder: StateFolder) -> None:
    """Ask the engine to leave, with all that it runs left running; return once it has.

    Raises:
        UsageError: It does not.
    """
    if holder(folder) is None:
        return
    engine = _engine(folder)
    with suppress(ProcessLookupError):
        os.kill(engine.pid, signal.SIGUSR1)
    deadline = time.monotonic() + _LEAVE_LIMIT_S
    while holder(folder) is not None and engine.is_running():
        if time.monotonic() > deadline:
            raise UsageError(
                f"modelctl up (process {engine.pid}) has not left within {_LEAVE_LIMIT_S:g} s; "
                "end it with `modelctl down`"
            )
        time.sleep(_POLL_S)


def _end_engine(folder: StateFolder) -> Iterator[str]:
    """Ask the engine to end, wait until it has, and end it by force if it does not."""
    engine = _engine(folder)
    started = time.monotonic()
    how = "ended"
    with suppress(ProcessLookupError):  # it ends by itself just now
        os.kill(engine.pid, signal.SIGTERM)
    while holder(folder) is not None and engine.is_running():
        if how == "ended" and time.monotonic() - started > _LIMIT_S:
            how = f"killed, after {_LIMIT_S:g} s in vain,"
            with suppress(psutil.Error):
                engine.kill()
        time.sleep(_POLL_S)
    yield f"{how} modelctl up (process {engine.pid}) after {time.monotonic() - started:.1f} s"


def _engine(folder: StateFolder) -> psutil.Process:
    """The process that holds the lock."""
    found = holder(folder)
    try:
        return psutil.Process(found.pid if found and found.pid else -1)
    except (ValueError, psutil.Error) as error:
        raise UsageError(
            f"{folder.lock} is held by a process that it does not name, expected its id; end that "
            "`modelctl up` where it runs"
        ) from error
