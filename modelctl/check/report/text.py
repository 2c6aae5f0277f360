"""For people: one finding a line, then what was checked."""

from collections import Counter
from collections.abc import Sequence

from modelctl.check.report.checked import Checked, counted, printable
from modelctl.finding import Finding, Level


def text(findings: Sequence[Finding], checked: Checked) -> str:
    """One finding a line, its level where it is no error, then what was checked and how many."""
    return "\n".join([*map(line, findings), *end(findings, checked)])


def line(finding: Finding) -> str:
    """A finding as one line."""
    told = str(finding)
    if finding.level is not Level.ERROR:
        place, _, rest = told.partition(f": {finding.rule} ")
        told = f"{place}: {finding.level}: {finding.rule} {rest}"
    return printable(told)


def end(findings: Sequence[Finding], checked: Checked) -> list[str]:
    """What was checked, what not, and how many findings there are."""
    looked_at = (
        f"{counted(checked.models, 'model')}, {counted(checked.releases, 'release')} and "
        f"{counted(checked.servings, 'serving file')}"
    )
    levels = Counter(finding.level for finding in findings)
    found = [counted(levels[level], level.value) for level in Level if levels[level]]
    notes = [f"note: {words}" for words in checked.returned]
    if checked.unasked:
        what = ", ".join(checked.unasked)
        notes.append(
            f"note: there is no commit to compare with, so that these were not asked: {what}"
        )
    where = f" in {', '.join(checked.shown)}" if checked.shown else ""
    return [*notes, f"checked {looked_at}: {', '.join(found) or 'no findings'}{where}"]
