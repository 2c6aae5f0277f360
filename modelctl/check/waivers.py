"""Waivers: comments by which people answer for one finding of their file until a day.

`# modelctl: waive RULE until YYYY-MM-DD: REASON` stands on a line of its own in the file that the
finding is about. What it waives becomes a note. Rules about what a file means, about secrets and
about generated files have no waiver.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from modelctl.finding import Finding, Level, Position, Violation
from modelctl.repo.repository import Files

WELL_FORMED = "waiver-well-formed"
NEEDED = "waiver-needed"
NEVER = frozenset(
    {
        "yaml-strict", "schema-valid", "path-identity", "name-budget", "no-secret-material",
        "rendered-current", "rendered-orphan", "rendered-nonempty", WELL_FORMED, NEEDED,
    }
)  # fmt: skip

_MARK = "modelctl: waive"
_LINE = re.compile(r"(?m)^(?P<indent>[ \t]*)#[ \t]*modelctl:[ \t]*waive\b(?P<rest>[^\n]*)$")
_FORM = re.compile(
    r"[ \t]+(?P<rule>[a-z0-9-]+)[ \t]+until[ \t]+(?P<until>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r":[ \t]+(?P<reason>\S[^\r\n]*)\r?"
)
_FORM_IN_WORDS = "# modelctl: waive RULE until YYYY-MM-DD: REASON"


@dataclass(frozen=True, slots=True)
class Waiver:
    """One rule that a file need not keep, and until which day."""

    path: str
    position: Position
    rule: str
    until: date

    def covers(self, finding: Finding) -> bool:
        """Whether it speaks of a finding."""
        return (self.path, self.rule) == (finding.path, finding.rule)


def waivers(files: Files, known: Collection[str]) -> Iterator[Waiver]:
    """The waivers of some files that are well-formed, of rules that are known."""
    for path, position, rest in _lines(files):
        match = _FORM.fullmatch(rest)
        until = _day(match["until"]) if match else None
        if match and until and match["rule"] in known and match["rule"] not in NEVER:
            yield Waiver(path, position, match["rule"], until)


def malformed(files: Files, known: Collection[str]) -> Iterator[Violation]:
    """A violation for each waiver that waives nothing; `known` are the rules that there are."""
    for path, position, rest in _lines(files):
        match = _FORM.fullmatch(rest)
        if match is None or _day(match["until"]) is None:
            message = f"found a waiver that is not read, expected {_FORM_IN_WORDS}"
            yield Violation(path, position, message, "write it so, or remove it")
        elif match["rule"] not in known:
            message = f"found a waiver of {match['rule']}, which is no rule"
            yield Violation(path, position, message, "`modelctl rules` lists them")
        elif match["rule"] in NEVER:
            message = f"found a waiver of {match['rule']}, which has none"
            yield Violation(path, position, message, "mend what it tells")


def waived(findings: Iterable[Finding], given: Collection[Waiver]) -> Iterator[Finding]:
    """The findings; those that a waiver covers are notes, whatever day it is."""
    for finding in findings:
        is_covered = any(waiver.covers(finding) for waiver in given)
        yield replace(finding, level=Level.NOTE) if is_covered else finding


def applied(
    findings: Collection[Finding], given: Collection[Waiver], today: date, level: Level
) -> Iterator[Finding]:
    """The findings after the waivers of today; one of `level` for each that is over or unused."""
    valid = [waiver for waiver in given if today <= waiver.until]
    yield from waived(findings, valid)
    for waiver in given:
        if waiver not in valid:
            message = f"found a waiver until {waiver.until}, expected one that is not over"
            remedy = f"mend what {waiver.rule} tells, or agree on another day"
        elif not any(waiver.covers(finding) for finding in findings):
            message = f"found a waiver of {waiver.rule}, which tells nothing here"
            remedy = "remove it"
        else:
            continue
        yield Finding(waiver.path, waiver.position, NEEDED, message, remedy, level)


def _lines(files: Files) -> Iterator[tuple[str, Position, str]]:
    """Path, place and rest of each comment that begins as a waiver does."""
    for path, text in files.texts.items():
        if "waive" in text and path.endswith(".yaml"):
            for match in _LINE.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                yield path, Position(line, len(match["indent"]) + 1), match["rest"]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
