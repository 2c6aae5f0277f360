"""ctr: the version of both sides, and etcd's programs of the machine for a run of its image."""

import os
import shutil

from . import calls
from .containerd import ADDRESS

PROGRAMS = "/srv/cluster/bin"


def _run(arguments: list[str]) -> None:
    """Become etcd's program; before 3.5 etcdctl did the work of etcdutl too."""
    place = next(place for place, word in enumerate(arguments) if "/etcd:" in word)
    program, *rest = arguments[place + 2 :]
    path = f"{PROGRAMS}:{os.environ.get('PATH', '')}"
    found = shutil.which(program, path=path) or shutil.which("etcdctl", path=path)
    if found is None:
        calls.fail(f'ctr: exec: "{program}": executable file not found in $PATH')
    os.execve(found, [program, *rest], os.environ | {"ETCDCTL_API": "3"})  # noqa: S606


def main() -> None:
    """Answer one call."""
    arguments = calls.log("ctr")
    installed = calls.version("containerd.io")
    if not ADDRESS.exists():
        calls.fail(f"ctr: failed to dial {ADDRESS}: no such file or directory")
    if arguments[-1:] == ["version"]:
        calls.out(f"Client:\n  Version:  v{installed}\n\nServer:\n  Version:  v{installed}")
        return
    if "run" in arguments:
        _run(arguments)
    calls.out("REF TYPE DIGEST SIZE PLATFORMS LABELS")


if __name__ == "__main__":
    main()
