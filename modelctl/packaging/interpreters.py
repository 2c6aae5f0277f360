"""The Python that runs a converter: this one, the user's own, or an environment made for it."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from modelctl.errors import ConversionError
from modelctl.packaging.converters import Converter

_WAIT_S = 1800  # for the largest environment over a slow line


def interpreter(converter: Converter, python: Path | None) -> Path:
    """The Python that runs a converter; an environment that is not there yet is made.

    Raises:
        ConversionError: `python` runs no Python, or the environment could not be made.
    """
    if python is not None:
        return _users(python)
    return _made(converter) if converter.has_environment else Path(sys.executable)


def _users(python: Path) -> Path:
    """A Python that the user names, as an absolute path that keeps its virtual environment."""
    try:
        subprocess.run(
            [python, "-c", "import sys; sys.exit(sys.version_info < (3, 9))"],
            check=True,
            capture_output=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConversionError(
            f"--python {python}: found no Python that runs ({error}), expected an interpreter of "
            "version 3.9 or newer such as .venv/bin/python"
        ) from error
    return Path(shutil.which(python) or python).absolute()


def _made(converter: Converter) -> Path:
    """The Python of the environment that the lock file describes, one for each of its digests."""
    name = hashlib.sha256(converter.lock.read_bytes()).hexdigest()[:16]
    folder = _cache() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another command may be making it
        done = folder / "complete"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _make(converter, folder)
            done.touch()
    return folder / "bin" / "python"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "modelctl" / "converters"


def _make(converter: Converter, folder: Path) -> None:
    _tell(f"making the environment of the converter {converter.name} in {folder} (once)")
    uv = _uv()
    if uv is None:
        return _with_pip(converter, folder)
    try:
        _with_uv(uv, converter, folder)
    except ConversionError as error:
        _tell(f"{error}: trying pip, which may know another package index")
        shutil.rmtree(folder, ignore_errors=True)
        _with_pip(converter, folder)


def _uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return shutil.which("uv") or (str(beside) if beside.exists() else None)


def _with_uv(uv: str, converter: Converter, folder: Path) -> None:
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    install = [uv, "pip", "install", "--python", str(folder / "bin" / "python")]
    _run([*install, "--require-hashes", "--only-binary", ":all:", "-r", str(converter.lock)])


def _with_pip(converter: Converter, folder: Path) -> None:
    _run([sys.executable, "-m", "venv", str(folder)])
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    _run(
        [
            *(*install, "--disable-pip-version-check", "--no-compile", "--require-hashes"),
            *("--only-binary", ":all:", "-r", str(converter.lock)),
        ]
    )


def _run(words: Sequence[str]) -> None:
    """Run an installer; what it says goes to stderr."""
    try:
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=2, timeout=_WAIT_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConversionError(
            f"the environment could not be made: {error}: see above; it needs the package index, "
            "or name an interpreter that has the packages: --python PATH"
        ) from error


def _tell(words: str) -> None:
    sys.stderr.write(f"modelctl: {words}\n")
