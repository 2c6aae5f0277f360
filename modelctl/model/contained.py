"""Reading of files that nobody has vouched for, in a child process under limits.

A library that crashes over a file, fills the memory or never ends, ends the child alone; the next
file gets a fresh one. The child lives on, so that a library is imported once for many files.
"""

import atexit
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO

_Read = Callable[[bytes], str]

MAX_CPU_S = 120
"""Far more than a file of the largest size needs: a model of 20,000 nodes takes 4 s."""
MAX_MEMORY_BYTES = 4 << 30
"""What a child may take beside what it starts with: eight times the largest file."""
_RECURSION = 50_000
"""Functions may call one another 2500 deep; frames of Python take none of the stack of C."""
_MEMORY = Path("/proc/self/statm")
_OUT_OF_MEMORY = 3
_LENGTH = struct.Struct("<q")
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {module} import main; main()"
)


class ContainedError(Exception):
    """The child ended over a file; the text says why, such as SIGSEGV or too much memory."""


def call(read: _Read, content: bytes) -> str:
    """What a function of a module makes of the bytes, called in the child.

    Raises `ContainedError`: the child ended.
    """
    return _child(read).ask(content)


@cache
def _child(read: _Read) -> "_Child":
    child = _Child(read)
    atexit.register(child.end)
    return child


class _Child:
    """A process that answers for one function, started when it is first asked."""

    def __init__(self, read: _Read) -> None:
        self._read = read
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def ask(self, content: bytes) -> str:
        with self._lock:
            process = self._alive()
            try:
                answer = _asked(process, content)
            except BaseException:
                self.end()  # an answer that nobody waited for would be taken for the next one's
                raise
            if answer is None:
                self._process = None
                raise ContainedError(_cause(_ended(process)))
            return answer.decode()

    def end(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            _ended(process)

    def _alive(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._process = self._started()
        return self._process

    def _started(self) -> "subprocess.Popen[bytes]":
        function = f"{self._read.__module__}:{self._read.__qualname__}"
        program = _PROGRAM.format(module=__name__)
        return subprocess.Popen(
            [sys.executable, "-P", "-c", program, json.dumps(sys.path), function],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # a thread for each core is memory too
            process_group=0,  # an interrupt is for the parent, which ends the child
        )


def _asked(process: "subprocess.Popen[bytes]", content: bytes) -> bytes | None:
    if process.stdin is None or process.stdout is None:
        return None
    try:
        _send(process.stdin, content)
    except BrokenPipeError:
        return None
    return _receive(process.stdout)


def _ended(process: "subprocess.Popen[bytes]") -> int:
    """The exit code of a process that is ending."""
    process.communicate()
    return process.returncode


def _cause(code: int) -> str:
    if code == _OUT_OF_MEMORY:
        return f"more than {MAX_MEMORY_BYTES >> 30} GiB of memory"
    if code == -signal.SIGXCPU:
        return f"more than {MAX_CPU_S} s of processor time"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _send(stream: IO[bytes], content: bytes) -> None:
    stream.write(_LENGTH.pack(len(content)))
    stream.write(content)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes | None:
    """What the other side sent, None where it ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None


def main() -> None:
    """Answer for the function that the arguments name until the input ends."""
    module, _, name = sys.argv[2].partition(":")
    read: _Read = getattr(import_module(module), name)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries print; answers stay whole
    sys.setrecursionlimit(_RECURSION)
    while (content := _receive(sys.stdin.buffer)) is not None:
        _limit()
        try:
            answer = read(content)
        except MemoryError:
            sys.exit(_OUT_OF_MEMORY)
        _send(answers, answer.encode())


def _limit() -> None:
    """Give the next file its share of time and memory."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + MAX_CPU_S)
    pages = int(_MEMORY.read_text("ascii").split()[0])
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + MAX_MEMORY_BYTES)


def _lower(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
