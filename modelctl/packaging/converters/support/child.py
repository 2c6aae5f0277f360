"""Runs one converter in a process of its own: `python -s child.py CONVERT < request > answer`.

Any Python from 3.9 on runs it, with its standard library alone. The converter's function
`convert(request)` writes its files and gives its answer; whatever it prints goes to stderr. It has
no network: the process leaves for a network namespace of its own where the kernel lets it, else
Python's sockets are refused. Memory, processor time and the size of files are bounded.
"""

from __future__ import annotations

import sys

del sys.path[0]  # this folder; before anything else can be imported from it

import ctypes
import json
import os
import random
import resource
import runpy
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

MEMORY_BYTES = 16 << 30  # of data: TensorFlow, a model of 2 GiB and its copies fit
CPU_S = 1800
FILE_BYTES = 8 << 30
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # Source: linux/sched.h
_ANSWER_FD, _LOG_FD = 1, 2
_MISSING = (
    "install what the converter's requirements.in names there, or leave --python out: an "
    "environment of its own is made"
)
_GUARDED = "no network namespace can be made here: sockets of Python are refused instead"


def main() -> None:
    """Answer the request on standard input."""
    answers = os.fdopen(os.dup(_ANSWER_FD), "w", encoding="utf-8")
    os.dup2(_LOG_FD, _ANSWER_FD)
    request = json.load(sys.stdin)
    _bound()
    guarded = [] if _leave_network() else [_refuse_sockets()]
    random.seed(0)
    # After all else: `conversion`, and modules beside the converter.
    sys.path += [str(Path(__file__).parent), str(Path(sys.argv[1]).parent)]
    try:
        answer = runpy.run_path(sys.argv[1])["convert"](request)
        answer = {"ok": True, **answer, "notes": [*guarded, *answer.get("notes", ())]}
    except BaseException as error:  # noqa: BLE001 - the outermost handler
        answer = _refusal(error)
    json.dump(answer, answers)
    answers.flush()
    os._exit(0)  # frameworks leave threads, and fault while they end


def _refusal(error: BaseException) -> dict[str, Any]:
    """A converter's own `Refused` has words and a remedy; any other error is told by its type."""
    remedy = getattr(error, "remedy", None)
    if remedy is not None:
        return {"ok": False, "error": str(error), "remedy": remedy}
    if isinstance(error, ModuleNotFoundError):
        missing = f"found no module {error.name} in {sys.executable}"
        return {"ok": False, "error": missing, "remedy": _MISSING}
    traceback.print_exc()
    words = " ".join((f"{type(error).__name__}: {error}").split())
    return {"ok": False, "error": words, "remedy": ""}


def _bound() -> None:
    for kind, limit in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (most, hard))


def _leave_network() -> bool:
    """Whether this process is now in an empty network namespace, as the same user."""
    user, group = os.geteuid(), os.getegid()
    try:
        unshare = ctypes.CDLL(None).unshare
    except AttributeError:  # no Linux
        return False
    if user == 0 and unshare(_NEW_NETWORK) == 0:
        return True
    if unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with suppress(OSError):  # the user has no name then, which few frameworks ask for
            Path("/proc/self", name).write_text(text, encoding="ascii")
    return True


def _refuse_sockets() -> str:
    def refuse(event: str, _: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
            raise PermissionError("a converter has no network: bring what the model needs with it")

    sys.addaudithook(refuse)
    return _GUARDED


if __name__ == "__main__":
    main()
