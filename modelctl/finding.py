"""A finding: one fault in the repository, with its place and its remedy."""

from dataclasses import dataclass
from enum import StrEnum

# Keys and indexes that lead from the top of a document to one of its values.
Pointer = tuple[str | int, ...]


class Level(StrEnum):
    """How a finding counts: an error fails the check, a warning is shown.

    A note is a finding that is excused, because what it was found in is on its way back to bytes
    that were applied before, or because somebody answers for it in a waiver.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Scope(StrEnum):
    """What a rule looks at, and so when it has to run again.

    `FILES` are those of one model or those that models share, each by themselves; `MODEL` is one
    model beside what is shared; `CHANGE` one model before and after; `FLEET` everything before and
    after; `PLACING` the pods of all models beside one another.
    """

    FILES = "files"
    MODEL = "model"
    CHANGE = "change"
    FLEET = "fleet"
    PLACING = "placing"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text file; line and column count from 1, columns in characters."""

    line: int
    column: int


START = Position(1, 1)  # for a finding that is about a file as a whole


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule found and where; the engine that ran the rule makes a finding of it."""

    path: str
    position: Position
    message: str
    remedy: str


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
