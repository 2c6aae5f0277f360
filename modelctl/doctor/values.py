"""What was looked at, what was found, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it is; only `FAIL` keeps a command from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Look:
    """One look: at what, how it is, what was found; what to do where that is not well."""

    at: str
    verdict: Verdict
    found: str
    remedy: str = ""

    def as_json(self) -> Mapping[str, str]:
        """The same for programs."""
        return {
            "at": self.at,
            "verdict": self.verdict.value,
            "found": self.found,
            "remedy": self.remedy,
        }


def well(at: str, found: str) -> Look:
    """Nothing to do."""
    return Look(at, Verdict.OK, found)


def warn(at: str, found: str, remedy: str) -> Look:
    """Something is less than it could be."""
    return Look(at, Verdict.WARN, found, remedy)


def fail(at: str, found: str, remedy: str) -> Look:
    """Some command cannot work."""
    return Look(at, Verdict.FAIL, found, remedy)
