"""Runs everything that tests the roles, and says how long each part takes."""

import os
import re
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
# What is repeated at the very end of a failed part, where a log keeps only its last lines.
FAULT = re.compile(r"fatal:|\[ERROR\]|^(FAILED|ERROR) |^E  |Idempotence .*fail|CRITICAL")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
SHOWN_FAULTS = 12
SHOWN_CHARACTERS = 600
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
    pytest = [python, "-m", "pytest", "--quiet"]
    if chosen:
        own = [str(TESTS / name) for name in chosen if any((TESTS / name).glob("test_*.py"))]
        tests = Part("pytest", [*pytest, *own, str(TESTS / "test_layout.py")], PROJECT)
        return [[images], [repository], [*roles, tests]]
    site = Part("site", [*pytest, "tests/roles/site"], PROJECT)
    others = Part("pytest", [*pytest, "tests/roles", "--ignore=tests/roles/site"], PROJECT)
    lint = Part("lint", [python, "-m", "harness.lint"], PROJECT, {"PYTHONPATH": str(TESTS)})
    return [[images, lint], [repository], [site, *roles, others]]


@dataclass(frozen=True)
class Result:
    """How a part ended: the name of the part, its exit status and all that it printed."""

    name: str
    status: int
    output: str

    def faults(self) -> list[str]:
        """The lines that say what failed, or the last ones where none does."""
        lines = [ESCAPE.sub("", line) for line in self.output.splitlines()]
        found = [line for line in lines if FAULT.search(line)] or lines[-SHOWN_FAULTS:]
        return [line[:SHOWN_CHARACTERS] for line in found[:SHOWN_FAULTS]]


def run(part: Part) -> Result:
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
    return Result(part.name, done.returncode, done.stdout)


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
    failed = [result for result in results if result.status]
    for result in failed:
        print(f"roles: {result.name} failed:", *result.faults(), sep="\n  ")
    if failed:
        sys.exit(f"test-roles: failed: {', '.join(result.name for result in failed)}")


if __name__ == "__main__":
    main()
