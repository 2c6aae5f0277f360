"""Findings for people and for programs: one function a format, in one table."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modelctl.finding import Finding, Level
from modelctl.repo.repository import Repository

_KIND = re.compile(r"apps/[^/]+/(model\.yaml|(?:releases|envs)(?=/[^/]+\.yaml$)).*")


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was looked at, so that a clean report of nothing is not taken for a good one."""

    models: int
    releases: int
    servings: int
    shown: tuple[str, ...] = ()  # paths that findings were asked for in; empty for all

    @classmethod
    def of(cls, repository: Repository, *shown: str) -> "Checked":
        """The number of files of each kind that people write for models."""
        kinds = Counter(match[1] for match in map(_KIND.fullmatch, repository.texts) if match)
        return cls(kinds["model.yaml"], kinds["releases"], kinds["envs"], shown)


Reporter = Callable[[Sequence[Finding], Checked], str]


def text(findings: Sequence[Finding], checked: Checked) -> str:
    """One finding a line, warnings marked as such, then what was checked and how many there are."""
    lines = [_line(finding) for finding in findings]
    scope = (
        f"{_counted(checked.models, 'model')}, {_counted(checked.releases, 'release')} and "
        f"{_counted(checked.servings, 'serving file')}"
    )
    errors, warnings = _counts(findings)
    found = [
        _counted(count, word) for count, word in ((errors, "error"), (warnings, "warning")) if count
    ]
    where = f" in {', '.join(checked.shown)}" if checked.shown else ""
    return "\n".join([*lines, f"checked {scope}: {', '.join(found) or 'no findings'}{where}"])


def as_json(findings: Sequence[Finding], checked: Checked) -> str:
    """One object: `findings`, each with its place, rule, level and remedy, and a `summary`."""
    errors, warnings = _counts(findings)
    summary = {
        "errors": errors,
        "warnings": warnings,
        "models": checked.models,
        "releases": checked.releases,
        "serving_files": checked.servings,
    }
    return json.dumps({"findings": [_fields(f) for f in findings], "summary": summary}, indent=2)


REPORTERS: Mapping[str, Reporter] = {"text": text, "json": as_json}


def _line(finding: Finding) -> str:
    line = str(finding)
    if finding.level is Level.WARNING:
        place, _, rest = line.partition(f": {finding.rule} ")
        line = f"{place}: warning: {finding.rule} {rest}"
    # A file name or a value may hold anything, a terminal's control sequences too.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def _fields(finding: Finding) -> dict[str, str | int]:
    return {
        "path": finding.path,
        "line": finding.position.line,
        "column": finding.position.column,
        "rule": finding.rule,
        "level": finding.level.value,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _counts(findings: Sequence[Finding]) -> tuple[int, int]:
    errors = sum(finding.level is Level.ERROR for finding in findings)
    return errors, len(findings) - errors


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
