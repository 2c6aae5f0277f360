"""Reaches a test host in a podman container, with pipelining."""

import shlex
import subprocess
from pathlib import Path
from typing import ClassVar

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: nodes
short_description: reaches a test host in a podman container
description:
  - A module goes through the standard input of one C(podman exec), where the collection's plugin
    needs five processes for it.
options:
  remote_addr:
    description: Name of the container.
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
"""


class Connection(ConnectionBase):  # type: ignore[misc]
    """One `podman exec` a command."""

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
        command = ["podman", "exec", "--interactive", container, *shlex.split(cmd)]
        done = subprocess.run(command, input=in_data or b"", capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

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
