"""What the kernel's control groups allow this process, in version 1 and in version 2.

A limit holds for a group and for every group within it, so that the smallest one counts which the
group of this process or a group around it sets. Inside a container only some of them are visible.

Source: cgroups(7), and the kernel's documentation of cgroup v1 and v2.
"""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

Number = TypeVar("Number", int, float)

ROOT = Path("/")


def smallest(
    controller: str,
    root: Path,
    *,
    v1: Callable[[Path], Number | None],
    v2: Callable[[Path], Number | None],
) -> Number | None:
    """The smallest limit that holds for this process, None where no group sets one.

    `v1` and `v2` read the limit in a group's folder and give None where it sets none; `root` holds
    proc/ and sys/.
    """
    found: list[Number] = []
    for is_v1, folder in _groups(controller, root):
        try:
            limit = v1(folder) if is_v1 else v2(folder)
        except (OSError, ValueError):
            continue  # not visible from inside this container, or not limited at this level
        if limit is not None:
            found.append(limit)
    return min(found, default=None)


def _groups(controller: str, root: Path) -> Iterator[tuple[bool, Path]]:
    """Whether it is of version 1, and the folder, of each group that this process is in."""
    try:
        text = (root / "proc/self/cgroup").read_text(encoding="utf-8")
    except OSError:
        return
    for controllers, path in _parse(text):
        if controllers and controller not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / (controller if controllers else "")
        relative = path.relative_to("/")
        for group in (relative, *relative.parents):
            yield bool(controllers), base / group


def _parse(text: str) -> Iterator[tuple[str, PurePosixPath]]:
    """Controllers (none: version 2) and path of each line `ID:CONTROLLERS:PATH`."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        yield controllers, PurePosixPath(path)
