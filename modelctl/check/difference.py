"""Where two texts differ first, in words that make even an invisible difference visible."""

from dataclasses import dataclass

from modelctl.finding import Position

_SHOWN_CHARACTERS = 60  # of a long line in a message
_BEFORE_THE_DIFFERENCE = 30  # of these, how many stand before the difference
_WHITESPACE = {"\t": "\\t", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class TextDifference:
    """The first difference: its position in the text that was found, and both lines in words."""

    position: Position
    found: str
    expected: str


def differs_in_line_ends_only(found: bytes, expected: bytes) -> bool:
    """Whether two contents are the same but for carriage returns where lines end."""
    return found != expected and _with_line_feeds(found) == _with_line_feeds(expected)


def first_difference(found: bytes, expected: bytes) -> TextDifference:
    """The first difference of two contents that are not the same."""
    old, new = _lines(found), _lines(expected)
    same = _common(old, new)
    ours, theirs = (side[same] if same < len(side) else "" for side in (old, new))
    position = Position(same + 1, _common(ours, theirs) + 1)
    shown = _cut(*map(_visible, (ours, theirs)))
    if shown[0] != shown[1]:
        return TextDifference(position, *shown)
    indented = [f"{shown[0]} indented by {_indent(line)}" for line in (ours, theirs)]
    return TextDifference(position, *indented)


def _with_line_feeds(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _lines(content: bytes) -> list[str]:
    """Lines as git counts them: only a line feed ends one."""
    text = content.decode(errors="backslashreplace")
    lines = [f"{line}\n" for line in text.split("\n")]
    return [*lines[:-1], lines[-1][:-1]] if lines[-1] != "\n" else lines[:-1]


def _common(left: list[str] | str, right: list[str] | str) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _visible(line: str) -> str:
    """A line without its indentation, with everything else in it made visible."""
    if not line:
        return "the end of the file"
    text = line.removesuffix("\n")
    body = text.rstrip(" ")
    blanks = "\\x20" * (len(text) - len(body))
    shown = "".join(map(_escaped, body.lstrip(" "))) + blanks or "an empty line"
    return shown if line.endswith("\n") else f"{shown} without a line break"


def _escaped(character: str) -> str:
    """Generated files are ASCII: whatever is not could look like something else."""
    if " " <= character <= "~":
        return character
    return _WHITESPACE.get(character, ascii(character)[1:-1])


def _cut(found: str, expected: str) -> tuple[str, str]:
    """Both texts, cut to where they differ if they are long."""
    if max(len(found), len(expected)) <= _SHOWN_CHARACTERS:
        return found, expected
    start = max(0, _common(found, expected) - _BEFORE_THE_DIFFERENCE)
    return _window(found, start), _window(expected, start)


def _window(text: str, start: int) -> str:
    end = start + _SHOWN_CHARACTERS
    return ("…" if start else "") + text[start:end] + ("…" if len(text) > end else "")
