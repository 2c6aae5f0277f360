"""A finding: one fault in the repository, with its place and its remedy."""

from dataclasses import dataclass
from enum import StrEnum

# Keys and indexes that lead from the top of a document to one of its values.
Pointer = tuple[str | int, ...]


class Level(StrEnum):
    """How a finding counts: an error fails the check, a warning is only shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text file; line and column count from 1, columns in characters."""

    line: int
    column: int


START = Position(1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault; findings sort by path, then place, then rule."""

    path: str
    position: Position
    rule: str
    message: str
    remedy: str
    level: Level = Level.ERROR

    def __str__(self) -> str:
        """`path:line:column: rule message (remedy)`."""
        place = f"{self.path}:{self.position.line}:{self.position.column}"
        return f"{place}: {self.rule} {self.message} ({self.remedy})"
