"""Findings for people and for programs: one function a format, in one table."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modelctl.finding import Finding, Level
from modelctl.repository import Repository


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was looked at, so that a clean report of nothing is not taken for a good one."""

    models: int
    releases: int
    servings: int

    @classmethod
    def of(cls, repository: Repository) -> "Checked":
        """The number of files of each kind that people write for models."""
        paths = [path.split("/")[2:] for path in repository.texts if path.startswith("apps/")]
        return cls(
            models=paths.count(["model.yaml"]),
            releases=sum(len(parts) == 2 and parts[0] == "releases" for parts in paths),  # noqa: PLR2004 - folder and file
            servings=sum(len(parts) == 2 and parts[0] == "envs" for parts in paths),  # noqa: PLR2004 - folder and file
        )


Reporter = Callable[[Sequence[Finding], Checked], str]


def text(findings: Sequence[Finding], checked: Checked) -> str:
    """One finding a line, warnings marked as such, then what was checked and how many there are."""
    lines = [_line(finding) for finding in findings]
    scope = (
        f"{_counted(checked.models, 'model')}, {_counted(checked.releases, 'release')} and "
        f"{_counted(checked.servings, 'environment file')}"
    )
    errors, warnings = _counts(findings)
    found = [
        _counted(count, word) for count, word in ((errors, "error"), (warnings, "warning")) if count
    ]
    return "\n".join([*lines, f"checked {scope}: {', '.join(found) or 'no findings'}"])


def as_json(findings: Sequence[Finding], checked: Checked) -> str:
    """One object: `findings`, each with its place, rule, level and remedy, and a `summary`."""
    errors, warnings = _counts(findings)
    summary = {
        "errors": errors,
        "warnings": warnings,
        "models": checked.models,
        "releases": checked.releases,
        "environment_files": checked.servings,
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
