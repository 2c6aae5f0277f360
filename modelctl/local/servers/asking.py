"""One GET of a probe, as cheap as it can be: a socket, a question, the status of the answer.

Fifty idle servers are asked fifteen times a second; streams, tasks and parsers would make that the
engine's whole work. Like the kubelet it opens a connection for every question and reads no further
than it must.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable

# Asks a port for a path within so many seconds; the callback gets None for a success, or what is
# wrong. Gives a call that withdraws the question.
Ask = Callable[[int, str, float, Callable[[str | None], None]], Callable[[], None]]

_READ_BYTES = 4096  # a probe's whole answer fits: one read is all
_OK = range(200, 400)  # the statuses that Kubernetes takes for a success


def ask(
    port: int, path: str, timeout_s: float, done: Callable[[str | None], None]
) -> Callable[[], None]:
    """Ask a server on the loopback interface; `done` is called later, never before this returns."""
    return _Question(port, path, timeout_s, done).withdraw


class _Question:
    def __init__(
        self, port: int, path: str, timeout_s: float, done: Callable[[str | None], None]
    ) -> None:
        self._port, self._path, self._timeout_s, self._done = port, path, timeout_s, done
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._open = True
        self._connecting = False
        self._timer = self._loop.call_later(timeout_s, self._late)
        self._socket = socket.socket()
        self._socket.setblocking(False)  # noqa: FBT003 - positional only
        self._file = self._socket.fileno()
        self._begin()

    def withdraw(self) -> None:
        """Close the connection; nothing is told any more."""
        if self._open:
            self._open = False
            self._timer.cancel()
            if self._connecting:
                self._loop.remove_writer(self._file)
            self._loop.remove_reader(self._file)
            self._socket.close()

    def _begin(self) -> None:
        code = self._socket.connect_ex(("127.0.0.1", self._port))
        if code in {0, errno.EINPROGRESS}:
            # On this machine a connection is there at once, or refused; where it is not, later.
            self._send(otherwise=self._wait_for_connection)
        else:
            self._loop.call_soon(self._end, os.strerror(code))

    def _wait_for_connection(self) -> None:
        self._connecting = True
        self._loop.add_writer(self._file, self._connected)

    def _connected(self) -> None:
        self._loop.remove_writer(self._file)
        self._connecting = False
        self._send(otherwise=lambda: self._end("not connected"))

    def _send(self, *, otherwise: Callable[[], None]) -> None:
        question = (
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            "User-Agent: modelctl\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )
        try:
            self._socket.send(question.encode())  # the first bytes of a connection always fit
        except BlockingIOError:
            otherwise()
        except OSError as error:
            self._loop.call_soon(self._end, error.strerror or str(error))
        else:
            self._loop.add_reader(self._file, self._answered)

    def _answered(self) -> None:
        try:
            content = self._socket.recv(_READ_BYTES)
        except OSError as error:
            self._end(error.strerror or str(error))
            return
        self._received += content
        line, ended, _ = self._received.partition(b"\r\n")
        if ended or not content or len(line) >= _READ_BYTES:
            self._end(_judged(line) if ended else "no HTTP answer")

    def _late(self) -> None:
        self._end(f"no answer within {self._timeout_s:g} s")

    def _end(self, fault: str | None) -> None:
        if self._open:
            self.withdraw()
            self._done(fault)


def _judged(line: bytes) -> str | None:
    """What is wrong with an answer, from its first line; None if it is a success."""
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():  # noqa: PLR2004 - version and status
        return "no HTTP answer"
    status = int(words[1])
    return None if status in _OK else f"status {status}"
