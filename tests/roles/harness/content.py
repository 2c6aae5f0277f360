"""Where built test material lies, and when it has to be built anew."""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[3]
TESTS = PROJECT / "tests" / "roles"
BUILD = Path(os.environ.get("MODELCTL_ROLES_BUILD", PROJECT / ".modelctl" / "roles"))


def digest(parts: Iterable[str | bytes | Path]) -> str:
    """Sixteen hex digits of texts and of files, a folder standing for every file below it."""
    seen = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for path in sorted(files(part)):
                seen.update(str(path.relative_to(part.parent)).encode() + b"\0")
                seen.update(path.read_bytes() + b"\0")
        else:
            seen.update((part if isinstance(part, bytes) else part.encode()) + b"\0")
    return seen.hexdigest()[:16]


def files(path: Path) -> list[Path]:
    """The file itself, or every file below a folder without Python's caches."""
    if path.is_file():
        return [path]
    return [found for found in path.rglob("*") if found.is_file() and found.suffix != ".pyc"]


@contextmanager
def locked() -> Iterator[None]:
    """Hold the build folder for one process."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
