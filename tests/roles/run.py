"""Runs everything that tests the roles, and says how long each part takes."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[2]
TESTS = PROJECT / "tests" / "roles"
BIN = PROJECT / ".venv" / "bin"
# Parts at once, where there are as many processors; one more made each slower than it gained.
SIDE_BY_SIDE = 4
PROGRAMS = {
    "podman": "podman",
    "crun": "crun",
    "mmdebstrap": "mmdebstrap",
    "dpkg-deb": "dpkg",
    "apt-ftparchive": "apt-utils",
    "age": "age",
    "etcdctl": "etcd-client",
    "etcd": "etcd-server",
}


def missing() -> list[str]:
    """Debian packages of the programs that are not there."""
    return sorted(package for program, package in PROGRAMS.items() if not shutil.which(program))


def scenarios() -> list[str]:
    """Every molecule scenario but the one that owns the hosts."""
    found = sorted(path.parent.name for path in (TESTS / "molecule").glob("*/molecule.yml"))
    return [name for name in found if name != "default"]


@dataclass(frozen=True)
class Part:
    """One command: what it is called, its argument list and the folder that it runs in."""

    name: str
    command: list[str]
    folder: Path = TESTS
    environment: dict[str, str] = field(default_factory=dict)


def scenario(name: str, scratch: Path) -> Part:
    """A scenario with hosts and a scratch folder of its own, so that several can run at once."""
    prefix = os.environ.get("MODELCTL_NODES_PREFIX", "")
    environment = {
        "MODELCTL_NODES_PREFIX": f"{prefix}{name.replace('_', '-')}-",
        "MOLECULE_EPHEMERAL_DIRECTORY": str(scratch / name),
    }
    command = [str(BIN / "molecule"), "test", "--scenario-name", name]
    return Part(f"molecule {name}", command, environment=environment)


def parts(chosen: list[str], scratch: Path) -> list[list[Part]]:
    """What is run: groups in order, the parts of a group side by side, the longest first."""
    python = str(BIN / "python")
    images, repository = (
        Part(name, [python, "-m", f"harness.{name}"]) for name in ("images", "repository")
    )
    roles = [scenario(name, scratch) for name in scenarios() if not chosen or name in chosen]
    if chosen:
        return [[images], [repository], roles]
    pytest = [python, "-m", "pytest", "--quiet"]
    site = Part("site", [*pytest, "tests/roles/site"], PROJECT)
    others = Part("pytest", [*pytest, "tests/roles", "--ignore=tests/roles/site"], PROJECT)
    lint = Part("lint", [str(BIN / "ansible-lint")], PROJECT)
    return [[images, lint], [repository], [site, *roles, others]]


def run(part: Part) -> tuple[str, float, int]:
    """Run one part; its output is shown where it fails."""
    began = time.monotonic()
    environment = os.environ | part.environment
    environment |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        part.command,
        cwd=part.folder,
        env=environment | {"MOLECULE_COMMAND_BORDERS": "false"},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    took_s = time.monotonic() - began
    if done.returncode:
        sys.stdout.write(done.stdout)
    print(
        f"roles: {part.name}: {'failed' if done.returncode else 'passed'} in {took_s:.0f} s",
        flush=True,
    )
    return part.name, took_s, done.returncode


def main() -> None:
    """Run every part, or the scenarios that are named as arguments; exit 1 where one fails."""
    if lacking := missing():
        sys.exit(f"test-roles: install: apt-get install {' '.join(lacking)}")
    if os.geteuid() != 0:
        sys.exit("test-roles: found an ordinary user; containers with systemd need root")
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="modelctl-roles-") as scratch,
        ThreadPoolExecutor(min(os.cpu_count() or 1, SIDE_BY_SIDE)) as pool,
    ):
        groups = parts(sys.argv[1:], Path(scratch))
        results = [result for group in groups for result in pool.map(run, group)]
    print("roles: in all", round(time.monotonic() - began), "s")
    if failed := [name for name, _, status in results if status]:
        sys.exit(f"test-roles: failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
