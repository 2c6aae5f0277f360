"""Runs modules on a host, each in a fork of one Python that has read the library before.

A connection starts it on the host with a socket's path and a folder for compiled files, and sends
one module a connection. On a test host it lives as long as the host; beside a playbook it is given
that process's id as well, ends with it, and reads further libraries before. Starting Python,
reading its library and compiling the forty files of every module's archive is three quarters of a
module's time. A fork keeps nothing of what came before it, but the compiled files.
"""

import hashlib
import importlib
import marshal
import os
import runpy
import select
import signal
import socket
import struct
import sys
import types
import zipimport
from importlib.util import MAGIC_NUMBER
from pathlib import Path

LIBRARY = (
    "argparse ast copy ctypes dataclasses decimal fcntl grp inspect ipaddress json locale logging"
    " platform random select selectors shlex shutil subprocess syslog tempfile textwrap threading"
    " traceback typing zipfile"
)
ANSWER = struct.Struct("!iQQ")
KILLED = 137


def keep_compiled(folder: Path) -> None:
    """Let zipimport read compiled code by its source's hash, and keep what it had to compile."""
    compile_source = zipimport._compile_source  # type: ignore[attr-defined]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read_or_compile(pathname: str, source: bytes) -> types.CodeType:
        kept = folder / hashlib.sha256(MAGIC_NUMBER + source).hexdigest()
        if kept.exists():
            known: types.CodeType = marshal.loads(kept.read_bytes())  # noqa: S302
            return known
        code: types.CodeType = compile_source(pathname, source)
        fresh = folder / f"{kept.name}.{os.getpid()}"
        fresh.write_bytes(marshal.dumps(code))
        fresh.replace(kept)
        return code

    zipimport._compile_source = read_or_compile  # type: ignore[attr-defined]


def run(module: bytes, written: list[int]) -> None:
    """Run a module as the main program of this process, which ends with it."""
    code = os.memfd_create("module")
    os.pwrite(code, module, 0)
    for place, descriptor in enumerate([os.open(os.devnull, os.O_RDONLY), *written]):
        os.dup2(descriptor, place)
    sys.argv = [""]
    runpy.run_path(f"/proc/self/fd/{code}", run_name="__main__")
    sys.exit()


def answer(client: socket.socket) -> None:
    """Read a module, run it in a process of its own; send its status, output and error output."""
    module = b"".join(iter(lambda: client.recv(1 << 20), b""))
    written = [os.memfd_create("output"), os.memfd_create("errors")]
    child = os.fork()
    if not child:
        client.close()
        run(module, written)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output, errors = (os.pread(each, os.fstat(each).st_size, 0) for each in written)
    client.sendall(ANSWER.pack(status, len(output), len(errors)) + output + errors)


def ask(server: socket.socket, module: bytes) -> tuple[int, bytes, bytes]:
    """Status, output and error output of a module; that of a killed one where its host dies."""
    try:
        server.sendall(module)
        server.shutdown(socket.SHUT_WR)
        told = b"".join(iter(lambda: server.recv(1 << 20), b""))
    except OSError as fault:
        return KILLED, b"", str(fault).encode()
    if len(told) < ANSWER.size:
        return KILLED, b"", b"the host ended before the module"
    status, output, _ = ANSWER.unpack_from(told)
    written = told[ANSWER.size :]
    return status, written[:output], written[output:]


def serve(listener: socket.socket, owner: int | None = None) -> None:
    """Answer every connection in a process of its own, until the owner ends, or else the host."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    watched: list[socket.socket | int] = [listener]
    if owner is not None:
        watched.append(os.pidfd_open(owner))
    while select.select(watched, [], [])[0] == [listener]:
        client, _ = listener.accept()
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            answer(client)
            sys.exit()
        client.close()


def main() -> None:
    """Listen, then leave a server behind in the background.

    Arguments: the socket, the folder of compiled files, then the owner and libraries, if any.
    """
    path, owned = Path(sys.argv[1]), sys.argv[3:]
    fresh = path.with_suffix(f".{os.getpid()}")
    for name in (*LIBRARY.split(), *owned[1:]):
        importlib.import_module(name)
    keep_compiled(Path(sys.argv[2]))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(fresh))
    listener.listen()
    fresh.replace(path)
    if os.fork():
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for place in range(3):
        os.dup2(nothing, place)
    if owned:
        serve(listener, int(owned[0]))
        path.unlink(missing_ok=True)
    else:
        os.chdir("/")
        serve(listener)


if __name__ == "__main__":
    main()
