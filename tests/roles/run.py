"""Runs everything that tests the roles, and says how long each part takes."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parents[2]
TESTS = PROJECT / "tests" / "roles"
BIN = PROJECT / ".venv" / "bin"
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


def parts(chosen: list[str]) -> list[tuple[str, list[str], Path]]:
    """What is run, in order: a name, the command, its folder."""
    python = str(BIN / "python")
    tests = [python, "-m", "pytest", "tests/roles"]
    roles = [
        (f"molecule {name}", [str(BIN / "molecule"), "test", "--scenario-name", name], TESTS)
        for name in scenarios()
        if not chosen or name in chosen
    ]
    build = [
        ("images", [python, "-m", "harness.images"], TESTS),
        ("repository", [python, "-m", "harness.repository"], TESTS),
    ]
    if chosen:
        return [*build, *roles]
    return [
        ("lint", [str(BIN / "ansible-lint")], PROJECT),
        *build,
        *roles,
        ("pytest", tests, PROJECT),
    ]


def run(name: str, command: list[str], folder: Path) -> tuple[str, float, int]:
    """Run one part; its output is shown where it fails, or as it comes for pytest."""
    began = time.monotonic()
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "MOLECULE_COMMAND_BORDERS": "false"}
    quiet = name != "pytest"
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=False,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
    )
    took_s = time.monotonic() - began
    if done.returncode and quiet:
        sys.stdout.write(done.stdout)
    print(
        f"roles: {name}: {'failed' if done.returncode else 'passed'} in {took_s:.0f} s", flush=True
    )
    return name, took_s, done.returncode


def main() -> None:
    """Run every part, or the scenarios that are named as arguments; exit 1 where one fails."""
    if lacking := missing():
        sys.exit(f"test-roles: install: apt-get install {' '.join(lacking)}")
    if os.geteuid() != 0:
        sys.exit("test-roles: found an ordinary user; containers with systemd need root")
    results = [run(*part) for part in parts(sys.argv[1:])]
    print("roles: in all", round(sum(took_s for _, took_s, _ in results)), "s")
    if failed := [name for name, _, status in results if status]:
        sys.exit(f"test-roles: failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
