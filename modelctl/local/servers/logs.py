"""One log file a process, which earlier runs began, kept within bounds."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelctl.local.state import StateFolder

_LIMIT_BYTES = 5_000_000  # one older part of the same size is kept beside it
_TAIL_BYTES = 65_536  # of a log: where its last words are looked for; a traceback may be long
_OLDER = ".log.1"


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one run: the file, and where in it the run begins."""

    path: Path
    start: int

    def tail(self) -> list[str]:
        """The last lines that this run has written; none where the log cannot be read."""
        with suppress(OSError), self.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = self.start if self.start <= size else 0  # it was shortened meanwhile
            file.seek(max(start, size - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
        return []


def path_of(folder: StateFolder, name: str) -> Path:
    """The log of a process by its name."""
    return folder.logs / f"{name}.log"


def paths(folder: StateFolder, model: str, release: str | None = None) -> tuple[Path, ...]:
    """The logs of a model's servers, of one release or all, earlier runs too; oldest first."""
    names = re.compile(
        rf"{re.escape(model)}-{re.escape(release) if release else 'r[0-9]+'}-[0-9]+\.log(\.1)?"
    )
    found: list[tuple[float, Path]] = []
    with suppress(OSError):
        for path in folder.logs.iterdir():
            if names.fullmatch(path.name):
                with suppress(OSError):  # it was removed meanwhile
                    found.append((path.stat().st_mtime, path))
    return tuple(path for _, path in sorted(found))


def begin(path: Path) -> tuple[Log, BinaryIO]:
    """The log of a run that begins now, and the file to give to the process.

    Raises:
        OSError: The file cannot be opened, or not made because the disk is full.
    """
    shorten(path)
    output = path.open("ab")
    return Log(path, output.tell()), output


def shorten(path: Path) -> None:
    """Move a long log aside, once, and empty it in place: programs append to it meanwhile.

    Where the disk has no room for the older part it is dropped: a log is no reason to fill a disk.
    """
    with suppress(OSError):
        if path.stat().st_size > _LIMIT_BYTES:
            older = path.with_suffix(_OLDER)
            try:
                older.write_bytes(path.read_bytes())
            except OSError:
                older.unlink(missing_ok=True)
            os.truncate(path, 0)
