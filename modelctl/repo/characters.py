"""Characters that some reader sees and another does not: line ends, controls, invisible ones.

Git, and with it every diff and review, ends a line at a line feed and nowhere else. libyaml, its
ports (Argo CD reads with one) and many editors also end one at a lone carriage return, and at
U+0085, U+2028 and U+2029, which YAML 1.2 leaves out again; others do so at a vertical tab or a form
feed. A carriage return before a line feed changes nothing for anybody and may stay.

Source: YAML 1.2.2, sections 5.1 (character set), 5.4 (line breaks) and 6.1 (indentation); Unicode,
the properties Default_Ignorable_Code_Point, Bidi_Control and White_Space.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from modelctl.finding import Position

# What some readers take for the end of a line, and git does not.
OTHER_LINE_ENDS = re.compile("\r(?!\n)|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_LINE_ENDS = {
    "\r": "carriage return without a line feed",
    "\x0b": "vertical tab",
    "\x0c": "form feed",
    "\x85": "next line",
    "\u2028": "line separator",
    "\u2029": "paragraph separator",
}
_NOT_YAML = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_BYTE_ORDER_MARK = "\ufeff"
# Blanks that are no spaces, and what has no width; a symbol's emoji form is a visible use of one.
_INVISIBLE = (
    "[\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u202a-\u202f"
    "\u205f-\u206f\u2800\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    "|(?<![\xa9\xae\u203c\u2049\u2100-\u27ff\u2900-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff])\ufe0f"
)
_SUSPECTS = re.compile(
    rf"(?=[^\n -~])(?:(?P<line_end>{OTHER_LINE_ENDS.pattern})|(?P<forbidden>{_NOT_YAML})"
    rf"|(?P<invisible>{_INVISIBLE}))"
)
_INDENTING_TAB = re.compile("^ *\t", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Suspect:
    """One character and its position; if it `is_fatal`, readers differ on all that follows it."""

    position: Position
    message: str
    remedy: str
    is_fatal: bool


def suspects(text: str) -> Iterator[Suspect]:
    """Every character of a text that a person or a reader could miss."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return  # as most files are, and this is ten times faster than to look for each
    line, line_start = 1, 0
    for match in _SUSPECTS.finditer(text):
        line += text.count("\n", line_start, match.start())
        line_start = text.rfind("\n", 0, match.start()) + 1
        position = Position(line, match.start() - line_start + 1)
        message, remedy = _words(match)
        yield Suspect(position, message, remedy, is_fatal=match.lastgroup != "invisible")
    line, line_start = 1, 0
    for match in _INDENTING_TAB.finditer(text):
        line += text.count("\n", line_start, match.start())
        line_start = match.start()
        message = "found a tab in the indentation, which YAML does not allow"
        position = Position(line, match.end() - match.start())
        yield Suspect(position, message, "indent with spaces", is_fatal=True)


def position_of(text: str, offset: int) -> Position:
    """The line and column of an offset, as git and editors count them."""
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def escaped(text: str) -> str:
    """The text with every such character written as an escape of YAML's double quotes."""
    return _SUSPECTS.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - its widths


def _words(match: re.Match[str]) -> tuple[str, str]:
    character = match[0]
    code = f"U+{ord(character):04X}"
    if match.lastgroup == "line_end":
        name = _LINE_ENDS.get(character, "separator")
        message = f"found a {name} ({code}), which ends a line for some readers only"
        return message, "write a line feed, or remove it"
    if match.lastgroup == "forbidden":
        message = f"found the character {code}, which YAML does not allow"
        return message, "remove it, or escape it in double quotes"
    message = f"found the invisible character {code}, which reviewers cannot see"
    if character == _BYTE_ORDER_MARK:
        return message, "save the file as UTF-8 without a byte order mark"
    return message, "remove it"
