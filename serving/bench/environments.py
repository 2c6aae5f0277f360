"""One virtual environment for each peer, so that no peer's dependencies bend another's."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from serving.bench.errors import ContestantError

RUNTIME = "onnxruntime"
"""Every environment gets the version that this project has: the compared servers, not runtimes."""
PYTHON = Path("venv", "bin", "python")
STAMP = "requirements.json"


@dataclass(frozen=True)
class Environment:
    """Exact versions of what one peer needs; `reason` says why one is not the obvious choice.

    `base` is the interpreter that the environment is made with, empty for the harness's own.
    """

    name: str
    requirements: tuple[str, ...]
    base: str = ""
    reason: str = ""


ENVIRONMENTS = (
    Environment(
        "mlserver",
        ("mlserver==1.7.1", "uvloop==0.21.0"),
        reason="its worker processes fail with uvloop 0.22, which no longer makes event loops",
    ),
    Environment("kserve", ("kserve==0.21.0",)),
    Environment(
        "bentoml",
        ("bentoml==1.4.39",),
        reason="1.4.40 asks for a certifi that was not published when this was pinned",
    ),
    Environment("litserve", ("litserve==0.2.19",)),
    Environment("ray", ("ray[serve]==2.60.0",)),
    Environment(
        "pytriton",
        ("nvidia-pytriton==0.7.0",),
        base="/usr/bin/python3",
        reason="the system's Python, because Triton loads the system's libpython beside it",
    ),
    Environment("mosec", ("mosec==0.9.8",)),
)


def python(name: str, folder: Path) -> Path:
    """Interpreter of the environment below `folder`, made on the first call.

    Raises `ContestantError` when its packages cannot be installed.
    """
    chosen = next(each for each in ENVIRONMENTS if each.name == name)
    wanted = [*chosen.requirements, f"{RUNTIME}=={version(RUNTIME)}"]
    return installed(folder / name, wanted, base=chosen.base or sys.executable)


def installed(home: Path, wanted: list[str], *, base: str = sys.executable) -> Path:
    """Interpreter of an environment with the wanted packages, made where there is none yet.

    Raises `ContestantError` when the packages cannot be installed.
    """
    if _stamped(home) != wanted:
        print(f"setup: installing {' '.join(wanted)} into {home}", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        _install(home, wanted, base=base)
        (home / STAMP).write_text(json.dumps(wanted))
    return (home / PYTHON).absolute()


def versions(interpreter: Path) -> Mapping[str, str]:
    """Every package of the environment and its version."""
    listed = _run([str(interpreter), "-m", "pip", "list", "--format", "json"])
    return {each["name"].lower(): each["version"] for each in json.loads(listed)}


def _stamped(home: Path) -> list[str] | None:
    stamp = home / STAMP
    return list(json.loads(stamp.read_text())) if stamp.exists() else None


def _install(home: Path, wanted: list[str], *, base: str) -> None:
    _run([base, "-m", "venv", str(home / "venv")])
    pip = [str(home / PYTHON), "-m", "pip", "--disable-pip-version-check"]
    _run([*pip, "install", "--quiet", "--prefer-binary", *wanted])


def _run(command: list[str]) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ContestantError(
            f"found no {command[0]}: install it, or leave the peer out"
        ) from error
    if ended.returncode:
        raise ContestantError(
            f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr.strip()[-600:]}"
        )
    return ended.stdout
