"""Runs a command in a network and a file system of its own, and ends all of it with the command.

Envoy Gateway listens at fixed ports of every address, and reads its certificates from `/certs` and
its account from `/run`, as pods do: in here all are its own, and nothing outside can be reached or
is touched. Every address of
10.88.0.0/16 is this machine's in here, so that each pod's stand-in has one of its own.

Linux with user namespaces, or root.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PODS = "10.88"
CERTIFICATES = Path("/certs")
SECRETS = Path("/run/secrets")
MARK = "MODELCTL_PRIVATE_NETWORK"
_NEEDED = ("unshare", "ip", "mount")
_OPTIONS = (
    "--user",
    "--map-root-user",
    "--net",
    "--mount",
    "--mount-proc",
    "--pid",
    "--fork",
    "--kill-child",  # nothing that was started in there outlives it
)


def is_inside() -> bool:
    """Whether this process runs in there."""
    return MARK in os.environ


def main(words: list[str]) -> int:
    """Run a command inside; its exit code."""
    if is_inside():
        _furnish(words)
    if absent := [name for name in _NEEDED if not shutil.which(name)]:
        print(f"found no {', '.join(absent)}: install util-linux and iproute2", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="private-") as root:
        command = ["unshare", *_OPTIONS, sys.executable, __file__, root, *words]
        return subprocess.run(command, env=os.environ | {MARK: root}, check=False).returncode


def _furnish(words: list[str]) -> None:
    """Make the network, then a root folder with an empty /run and one entry more, and go there."""
    root, *command = words
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "route", "add", "local", f"{PODS}.0.0/16", "dev", "lo")
    _run("mount", "-t", "tmpfs", "private", root)
    for entry in sorted(Path("/").iterdir()):
        if entry != SECRETS.parent:
            _bring(entry, Path(root, entry.name))
    Path(root, SECRETS.relative_to("/")).mkdir(parents=True)
    Path(root, CERTIFICATES.name).mkdir(exist_ok=True)
    here = Path.cwd()
    os.chroot(root)
    os.chdir(here)
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


def _bring(entry: Path, place: Path) -> None:
    if entry.is_symlink():
        place.symlink_to(entry.readlink())
        return
    if entry.is_dir():
        place.mkdir()
    else:
        place.touch()
    _run("mount", "--rbind", str(entry), str(place))


def _run(*words: str) -> None:
    subprocess.run(words, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
