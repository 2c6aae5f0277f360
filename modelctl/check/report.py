"""The report of a check, for people or for programs: one function a format, in one table."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelctl.finding import Finding, Level
from modelctl.repo.layout import Kind, place


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was looked at: a report without findings means little if nothing was."""

    models: int
    releases: int
    servings: int
    shown: tuple[str, ...] = ()  # paths that findings were asked for in; empty for all
    returned: tuple[str, ...] = ()  # models that are back at what was applied before, in words

    @classmethod
    def of(cls, paths: Iterable[str], *shown: str, returned: Sequence[str] = ()) -> "Checked":
        """The number of files of each kind that people write for models."""
        kinds = Counter(place(path).kind for path in paths)
        counts = kinds[Kind.MODEL], kinds[Kind.RELEASE], kinds[Kind.SERVING]
        return cls(*counts, shown, tuple(returned))


Reporter = Callable[[Sequence[Finding], Checked], str]


def text(findings: Sequence[Finding], checked: Checked) -> str:
    """One finding a line, its level where it is no error, then what was checked and how many."""
    lines = [_line(finding) for finding in findings]
    looked_at = (
        f"{_counted(checked.models, 'model')}, {_counted(checked.releases, 'release')} and "
        f"{_counted(checked.servings, 'serving file')}"
    )
    levels = Counter(finding.level for finding in findings)
    found = [_counted(levels[level], level.value) for level in Level if levels[level]]
    lines += [f"note: {words}" for words in checked.returned]
    where = f" in {', '.join(checked.shown)}" if checked.shown else ""
    return "\n".join([*lines, f"checked {looked_at}: {', '.join(found) or 'no findings'}{where}"])


def as_json(findings: Sequence[Finding], checked: Checked) -> str:
    """One object: `findings` with place, rule, level and remedy each; `returned`; `summary`."""
    levels = Counter(finding.level for finding in findings)
    summary = {
        "errors": levels[Level.ERROR],
        "warnings": levels[Level.WARNING],
        "notes": levels[Level.NOTE],
        "models": checked.models,
        "releases": checked.releases,
        "serving_files": checked.servings,
    }
    report = {
        "findings": [_fields(finding) for finding in findings],
        "returned": checked.returned,
        "summary": summary,
    }
    return json.dumps(report, indent=2)


REPORTERS: Mapping[str, Reporter] = {"text": text, "json": as_json}


def _line(finding: Finding) -> str:
    line = str(finding)
    if finding.level is not Level.ERROR:
        place, _, rest = line.partition(f": {finding.rule} ")
        line = f"{place}: {finding.level}: {finding.rule} {rest}"
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


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
