"""Runs modules on this machine with a module server; everything else as Ansible's own plugin."""

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import ansible.plugins.connection
from ansible.errors import AnsibleConnectionFailure
from module_server import ask

DOCUMENTATION = """
name: local
short_description: runs modules on this machine with a module server
description:
  - Stands before Ansible's plugin of this name, which does all but modules.
  - A playbook has two servers, which end with it. One has read the Kubernetes client before, which
    takes half a second each time.
extends_documentation_fragment:
  - connection_pipelining
"""
MODULE = f"/bin/sh -c '{sys.executable} && sleep 0'"
SERVER = Path(__file__).parents[1] / "module_server.py"
FOLDER = Path(tempfile.gettempdir()) / "modelctl-nodes"
KUBERNETES = b"ansible_collections.kubernetes.core"
LIBRARIES = {"plain": (), "kubernetes": ("kubernetes.dynamic",)}


def ansibles() -> ModuleType:
    """Ansible's plugin of the same name, which this one is registered instead of."""
    path = Path(ansible.plugins.connection.__file__).with_name("local.py")
    spec = importlib.util.spec_from_file_location("ansibles_local", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Connection(ansibles().Connection):  # type: ignore[misc]
    """Ansible's, but for modules."""

    def exec_command(
        self,
        cmd: str,
        in_data: bytes | None = None,
        sudoable: bool = True,  # noqa: FBT001, FBT002
    ) -> tuple[int, bytes, bytes]:
        """Run a command; give its status, output and error output."""
        if not in_data or cmd != MODULE:
            ended: tuple[int, bytes, bytes] = super().exec_command(cmd, in_data, sudoable)
            return ended
        kind = "kubernetes" if KUBERNETES in in_data else "plain"
        with reach_server(kind, self.cwd) as server:
            return ask(server, in_data)


def reach_server(kind: str, folder: str | None) -> socket.socket:
    """A connection to the playbook's server of that kind, which is started where there is none."""
    playbook = os.getppid()
    path = FOLDER / f"{playbook}.{kind}"
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        FOLDER.mkdir(mode=0o700, exist_ok=True)
        command = [sys.executable, str(SERVER), str(path), str(FOLDER / "compiled")]
        command += [str(playbook), *LIBRARIES[kind]]
        ended = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        if ended.returncode:
            server.close()
            raise AnsibleConnectionFailure(f"module server: {ended.stderr.decode()}") from None
        server.connect(str(path))
    return server
