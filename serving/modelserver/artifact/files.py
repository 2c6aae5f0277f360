"""Artifacts that lie in a file of this machine."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import SplitResult, unquote

from modelserver.artifact.stream import Order, Stream
from modelserver.errors import ArtifactMissing, ArtifactRefused


@contextmanager
def open_file(order: Order) -> Iterator[Stream]:
    """The file that a `file:` URI names.

    Raises:
        ArtifactRefused: It may not be read, or is no regular file.
        ArtifactMissing: There is none.
    """
    path = resolve_file(order.parts, order.root)
    try:
        # NONBLOCK: opening a pipe must not wait for a writer; it is refused right after.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ArtifactRefused(f"{path}: {error.strerror}; expected a readable file") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ArtifactRefused(f"{path}: expected a regular file")
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        start = min(order.offset, status.st_size)
        file.seek(start)
        yield Stream(file, start, status.st_size, str(path))


def resolve_file(parts: SplitResult, root: Path) -> Path:
    """The real path of a `file:` URI.

    A relative one begins at `root` and may not leave it, neither by `..` nor by a symbolic link.

    Raises:
        ArtifactRefused: The URI is malformed, leaves `root`, or cannot be resolved.
        ArtifactMissing: There is no such file.
    """
    uri = parts.geturl()
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or not parts.path:
        raise ArtifactRefused(f"{uri}: expected file:relative/path or file:///absolute/path")
    path = Path(unquote(parts.path))
    base = root.resolve()
    try:
        real = (base / path).resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArtifactMissing(f"{base / path}: no such file (from {uri})") from error
    except (OSError, RuntimeError, ValueError) as error:  # loops of links, NUL bytes, no permission
        raise ArtifactRefused(f"{uri}: {error}") from error
    if not path.is_absolute() and not real.is_relative_to(base):
        raise ArtifactRefused(f"{uri}: leads to {real}, expected a file inside {base}")
    return real
