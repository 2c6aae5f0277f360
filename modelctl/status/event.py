"""One thing that happened, as every view of an engine shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; the same again shortly after only raises `count`."""

    time: str
    level: str
    message: str
    count: int = 1


def printable(text: str) -> str:
    """The text with control characters made visible: a commit must not command a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
