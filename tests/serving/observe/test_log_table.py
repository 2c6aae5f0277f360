"""The table of log lines in the server's README, held to the code."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from scratch import PROJECT

SERVER = PROJECT / "serving" / "modelserver"
_ROW = re.compile(r"^\| `(?P<event>[a-z-]+)` \| (?P<level>[a-z]+) \| (?P<fields>[^|]*)\| ")
_LEVELS = {"debug", "info", "warning", "error"}
_SAID_BY_A_LOGGER = {"exc_info", "extra"}


@dataclass(frozen=True)
class Line:
    """A kind of line: `fields` are its own; where `is_open` others come beside them."""

    event: str
    level: str
    fields: frozenset[str]
    is_open: bool = False


def _said() -> Iterator[Line]:
    """What the code logs."""
    for path in SERVER.rglob("*.py"):
        calls = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call))
        for call in calls:
            owner, _, name = ast.unparse(call.func).rpartition(".")
            if owner in {"logs", "logs.LOGGER"} and name in _LEVELS:
                yield from _line(call, name)


def _line(call: ast.Call, level: str) -> Iterator[Line]:
    if call.args and isinstance(call.args[0], ast.Constant):
        names = {word.arg for word in call.keywords}
        is_open = bool(names & {None, "extra"})
        fields = {name for name in names if name} - _SAID_BY_A_LOGGER
        traceback = {"traceback"} if "exc_info" in names else set()
        yield Line(str(call.args[0].value), level, frozenset(fields | traceback), is_open)


def _told() -> dict[str, Line]:
    """What the table says."""
    section = (SERVER.parent / "README.md").read_text().partition("\n## Log\n")[2]
    rows = map(_ROW.match, section.partition("\n## ")[0].splitlines())
    return {
        row["event"]: Line(
            row["event"], row["level"], frozenset(re.findall("`(.+?)`", row["fields"]))
        )
        for row in rows
        if row
    }


def test_every_line_is_in_the_table() -> None:
    """Each event that the code logs has a row of its level that names its fields, and no other."""
    told, said = _told(), list(_said())

    assert {line.event for line in said} == told.keys()
    for line in said:
        row = told[line.event]
        assert line.level == row.level, line
        assert line.fields <= row.fields, line
    for row in told.values():
        lines = [line for line in said if line.event == row.event]
        is_open = any(line.is_open for line in lines)
        assert is_open or row.fields == frozenset().union(*(line.fields for line in lines)), row
