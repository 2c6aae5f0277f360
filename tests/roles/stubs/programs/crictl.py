"""crictl: what the container runtime says about itself, and etcd's programs in its container."""

import json
import os
import shutil
import tomllib
from pathlib import Path

from . import calls
from .containerd import ADDRESS, IMAGES, RUNTIME

MANIFESTS = Path("/etc/kubernetes/manifests")
PROGRAMS = "/srv/cluster/bin"


def _running(arguments: list[str]) -> str:
    """Ids of the running containers of static pods, as `ps --quiet --name ^NAME$` prints them."""
    name = calls.option(arguments, "--name").strip("^$")
    return f"stub-{name}" if (MANIFESTS / f"{name}.yaml").exists() else ""


def _execute(container: str, command: list[str]) -> None:
    """Become the program that the container has; etcd's are the machine's own."""
    found = shutil.which(command[0], path=f"{PROGRAMS}:{os.environ.get('PATH', '')}")
    if container != "stub-etcd" or found is None:
        calls.fail(f'exec failed: "{command[0]}": executable file not found in $PATH')
    os.execv(found, command)  # noqa: S606


def _info() -> str:
    merged = tomllib.loads((calls.VOLATILE / "containerd.toml").read_text())
    conditions = [
        {"type": "RuntimeReady", "status": True},
        {"type": "NetworkReady", "status": True},
    ]
    plugins = merged["plugins"]
    config = {"cgroupDriver": "systemd", **plugins[RUNTIME], "images": plugins[IMAGES]}
    return json.dumps({"status": {"conditions": conditions}, "config": config}, indent=1)


def main() -> None:
    """Answer one call."""
    given = calls.log("crictl")
    arguments = [word for word in given if not word.startswith("-")]
    if not ADDRESS.exists():
        calls.fail(f'validate CRI v1 runtime API: dial "unix://{ADDRESS}": no such file')
    if "exec" in given:
        container, *command = given[given.index("exec") + 1 :]
        _execute(container, command)
    if "ps" in given and "--quiet" in given:
        calls.out(_running(given))
        return
    match arguments:
        case ["version", *_]:
            installed = calls.version("containerd.io")
            calls.out(f"Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v{installed}")
        case ["info", *_]:
            calls.out(_info())
        case ["images" | "ps" | "pods", *_]:
            calls.out(json.dumps({"images": [], "containers": [], "items": []}))
        case _:
            calls.out("")


if __name__ == "__main__":
    main()
