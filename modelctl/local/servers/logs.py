"""The log files of servers in a state folder."""

import re
from contextlib import suppress
from pathlib import Path

from modelctl.local.state import StateFolder


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
