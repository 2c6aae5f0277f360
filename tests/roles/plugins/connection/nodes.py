"""Reaches a test host in a podman container, with pipelining."""

import shlex
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase
from module_server import ask

DOCUMENTATION = """
name: nodes
short_description: reaches a test host in a podman container
description:
  - A command is a process in the container's namespaces, with the container's capabilities;
    C(podman exec) takes thirty times as long to start one.
  - A module goes to plugins/module_server.py, which is started on the host by the first of them.
options:
  remote_addr:
    description: Name of the container.
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
"""
ENVIRONMENT = {
    "HOME": "/root",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TERM": "xterm",
    "container": "podman",
}
CAPABILITIES = 64
MODULE = "/bin/sh -c '/usr/bin/python3 && sleep 0'"
SERVER = Path(__file__).parents[1] / "module_server.py"
SOCKET = "/run/modelctl-modules.sock"
COMPILED = "/var/cache/modelctl-modules"
KNOWN = Path(tempfile.gettempdir()) / "modelctl-nodes"


class Connection(ConnectionBase):  # type: ignore[misc]
    """One process in the container's namespaces a command."""

    transport: ClassVar[str] = "nodes"
    has_pipelining: ClassVar[bool] = True

    def _connect(self) -> "Connection":
        """Nothing is kept open."""
        self._connected = True
        return self

    def exec_command(
        self,
        cmd: str,
        in_data: bytes | None = None,
        sudoable: bool = True,  # noqa: FBT001, FBT002
    ) -> tuple[int, bytes, bytes]:
        """Run a command; give its status, output and error output."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        container = self.get_option("remote_addr")
        if in_data and cmd == MODULE:
            with reach_server(container) as server:
                return ask(server, in_data)
        return run(container, shlex.split(cmd), in_data or b"")

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the host."""
        super().put_file(in_path, out_path)
        self.required(f"cat > {shlex.quote(out_path)}", Path(in_path).read_bytes())

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the host."""
        super().fetch_file(in_path, out_path)
        Path(out_path).write_bytes(self.required(f"cat {shlex.quote(in_path)}"))

    def required(self, script: str, in_data: bytes | None = None) -> bytes:
        """Output of a shell command that must succeed."""
        status, output, said = self.exec_command(f"/bin/sh -c {shlex.quote(script)}", in_data)
        if status:
            raise AnsibleConnectionFailure(f"{script} failed with {status}: {said.decode()}")
        return output

    def close(self) -> None:
        """Nothing is kept open."""
        self._connected = False

    def reset(self) -> None:
        """Nothing is kept open."""


def run(container: str, command: list[str], in_data: bytes) -> tuple[int, bytes, bytes]:
    """Status, output and error output of a process in the container."""
    done = subprocess.run(
        [*entrance(container), *command],
        input=in_data,
        capture_output=True,
        check=False,
        env=ENVIRONMENT,
        umask=0o022,
    )
    return done.returncode, done.stdout, done.stderr


def reach_server(container: str) -> socket.socket:
    """A connection to the host's module server, which is started where there is none."""
    path = f"/proc/{first_process(container)}/root{SOCKET}"
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        command = ["/usr/bin/python3", "-", SOCKET, COMPILED]
        status, _, said = run(container, command, SERVER.read_bytes())
        if status:
            server.close()
            raise AnsibleConnectionFailure(f"{container}: module server: {said.decode()}") from None
        server.connect(path)
    return server


def entrance(container: str) -> list[str]:
    """Command line that starts a command of the container; unreachable where it does not run."""
    process = first_process(container)
    status = (Path("/proc") / process / "status").read_text()
    allowed = int(status.split("CapBnd:")[1].split()[0], 16)
    kept = [f"+cap_{number}" for number in range(CAPABILITIES) if allowed >> number & 1]
    enter = [shutil.which("nsenter") or "nsenter", "--target", process, "--all", "--root", "--wd"]
    return [*enter, "--", "setpriv", f"--bounding-set={','.join(['-all', *kept])}", "--"]


def first_process(container: str) -> str:
    """Process id of the container's init, remembered until that process ends."""
    known = KNOWN / container
    if known.exists():
        process, began = known.read_text().split()
        if began == start_time(process):
            return process
    command = ["podman", "inspect", "--format={{.State.Pid}}", container]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    process = found.stdout.strip()
    began = start_time(process) if process else ""
    if not began:
        raise AnsibleConnectionFailure(f"{container} does not run: {found.stderr}")
    KNOWN.mkdir(mode=0o700, exist_ok=True)
    fresh = KNOWN / f"{container}.{process}"
    fresh.write_text(f"{process} {began}")
    fresh.replace(known)
    return process


def start_time(process: str) -> str:
    """When a process began, in the kernel's ticks; nothing where there is none."""
    try:
        told = (Path("/proc") / process / "stat").read_text()
    except OSError:
        return ""
    return told.rpartition(")")[2].split()[19]
