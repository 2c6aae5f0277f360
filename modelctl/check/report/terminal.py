"""For a person at a terminal: colours, and the line that a finding is about with a caret below."""

from collections.abc import Callable, Sequence

from modelctl.check.report.checked import Checked, printable
from modelctl.check.report.text import end
from modelctl.finding import START, Finding, Level

# From a path to its bytes, None where there are none.
Source = Callable[[str], bytes | None]

_BOLD, _RED, _YELLOW, _BLUE, _END = "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[0m"
_COLOURS = {Level.ERROR: _RED, Level.WARNING: _YELLOW, Level.NOTE: _BLUE}
_SHOWN_CHARACTERS = 120  # of a source line
_BEFORE_THE_CARET = 80


def terminal(findings: Sequence[Finding], checked: Checked, source: Source) -> str:
    """Each finding with its line of source, then what was checked."""
    blocks = ["\n".join(_block(finding, source)) for finding in findings]
    return "\n".join([*blocks, *end(findings, checked)])


def _block(finding: Finding, source: Source) -> list[str]:
    at, colour = finding.position, _COLOURS[finding.level]
    place = printable(f"{finding.path}:{at.line}:{at.column}")
    head = f"{_BOLD}{place}{_END}: {colour}{finding.level}{_END}: {finding.rule}"
    told = [head, f"  {printable(finding.message)}"]
    return [*told, *_shown(finding, source), f"  {_BOLD}->{_END} {printable(finding.remedy)}"]


def _shown(finding: Finding, source: Source) -> list[str]:
    """The line that a finding is about and a caret; nothing for a finding about a whole file."""
    at, content = finding.position, source(finding.path)
    if content is None or at == START:
        return []
    lines = content.decode(errors="replace").split("\n")
    if at.line > len(lines):
        return []
    text, column = printable(lines[at.line - 1]), at.column - 1
    start = max(0, column - _BEFORE_THE_CARET)
    shown = text[start : start + _SHOWN_CHARACTERS]
    number = f"{at.line}"
    gutter = " " * len(number)
    caret = f"{' ' * (column - start)}{_COLOURS[finding.level]}^{_END}"
    return [f"  {number} | {shown}", f"  {gutter} | {caret}"]
