"""Remembers what took long to find out, by everything that it follows from.

Records lie in git's own folder, as those of `remembered`: nothing in them comes from a clone. One
that is damaged, or cannot be written, counts as none.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from modelctl.atomic import SHARED, write_atomically

_FOLDER = Path("modelctl", "verdicts")
_MAX_RECORDS = 10_000  # of a few hundred bytes


def remembered(git_folder: Path | None, basis: str, find: Callable[[], str]) -> str:
    """What `find` gives, asked only where it is not known for that `basis` yet."""
    if git_folder is None:
        return find()
    record = git_folder / _FOLDER / hashlib.sha256(basis.encode()).hexdigest()
    known = _recalled(record)
    if known is None:
        known = find()
        _keep(record, known)
    return known


def _recalled(record: Path) -> str | None:
    try:
        digest, _, text = record.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return text if digest == _digest(text) else None


def _keep(record: Path, text: str) -> None:
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        records = list(record.parent.iterdir())
        for each in records if len(records) >= _MAX_RECORDS else ():
            each.unlink(missing_ok=True)
        write_atomically(record, f"{_digest(text)}\n{text}".encode(), SHARED)
    except OSError:
        return


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
