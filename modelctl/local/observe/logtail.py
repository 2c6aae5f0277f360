"""The last lines of what servers say, and what they add to it."""

import heapq
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelctl.local.servers import logs
from modelctl.local.state import StateFolder

_BYTES_A_LINE = 400  # read from the end of a log for each line that is asked for
_LEAST_BYTES = 16_384
_SHOWN_FIRST = ("time", "level", "event")  # the others follow as key=value
_OF_EVERY_LINE = frozenset({"model", "release", "logger"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a server's log: when it was said (empty if unknown), and by which server."""

    time: str
    server: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A line for people: its time of day, its level, and its words."""

    time: str
    server: str
    level: str
    words: str


def tail(folder: StateFolder, model: str, release: str | None, count: int) -> list[Line]:
    """The last `count` lines of the servers of a model, or of one release, in order of time."""
    files = (_last_of(path, count) for path in logs.paths(folder, model, release))
    merged = heapq.merge(*files, key=lambda line: line.time)
    return list(merged)[-count:] if count else []


def shown(line: Line) -> Shown:
    """A line of a structured log in words; any other as it is."""
    fields = _fields(line.text)
    if not fields:
        return Shown(line.time[11:19], line.server, "", line.text)
    rest = (
        f"{key}={_spelled(value)}"
        for key, value in fields.items()
        if key not in _SHOWN_FIRST and key not in _OF_EVERY_LINE
    )
    words = " ".join((str(fields.get("event", "")), *rest))
    return Shown(line.time[11:19], line.server, str(fields.get("level", "")), words.strip())


class Followed:
    """What is added to the logs of a model, or of one release, from now on."""

    def __init__(self, folder: StateFolder, model: str, release: str | None) -> None:
        self._asked = (folder, model, release)
        self._read = {path: _size(path) for path in logs.paths(*self._asked)}

    def added(self) -> list[Line]:
        """The whole lines that were added since the last look, in order of time."""
        current = [p for p in logs.paths(*self._asked) if p.suffix == ".log"]
        files = [_lines(path.stem, self._new(path)) for path in current]
        return list(heapq.merge(*files, key=lambda line: line.time))

    def _new(self, path: Path) -> bytes:
        start = self._read.get(path, 0)
        size = _size(path)
        if size < start:  # it was shortened
            start = 0
        content = _content(path, start, size)
        whole = content[: content.rfind(b"\n") + 1]
        self._read[path] = start + len(whole)
        return whole


def _last_of(path: Path, count: int) -> list[Line]:
    size = _size(path)
    start = max(0, size - max(_LEAST_BYTES, count * _BYTES_A_LINE))
    content = _content(path, start, size)
    whole = content if start == 0 else content.partition(b"\n")[2]
    return list(_lines(path.name.partition(".log")[0], whole))[-count:]


def _lines(server: str, content: bytes) -> Iterator[Line]:
    """Lines with their times; one that has none, as in a traceback, has that of the one before."""
    time = ""
    for text in content.decode(errors="replace").splitlines():
        if text.strip():
            time = str(_fields(text).get("time", time))
            yield Line(time, server, text)


def _fields(text: str) -> Mapping[str, object]:
    """The fields of a line in JSON; none of any other line."""
    with suppress(ValueError):
        fields = json.loads(text)
        if isinstance(fields, Mapping):
            return fields
    return {}


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _content(path: Path, start: int, end: int) -> bytes:
    with suppress(OSError), path.open("rb") as file:
        file.seek(start, os.SEEK_SET)
        return file.read(max(0, end - start))
    return b""
