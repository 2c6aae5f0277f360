"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

# Permissions of a file: its owner alone may read it, or everybody.
PRIVATE = 0o600
SHARED = 0o644


def write_atomically(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Replace a file in one step: a reader finds all of the old bytes or all of the new ones.

    That holds after a crash too.

    Raises:
        OSError: The disk is full, or the place is not writable; the old file is untouched.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
