"""Line ends, controls and invisible characters: each is refused by name at its place.

A place is the one of git: only a line feed ends a line.
"""

import pytest
import yaml

from modelctl.finding import Position
from modelctl.repo.documents import parse

# By Unicode's properties Bidi_Control, Default_Ignorable_Code_Point and White_Space; samples.
INVISIBLE = [
    *(0x61C, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E),
    *(0x2066, 0x2067, 0x2068, 0x2069, 0x2060, 0x2064, 0x206A),
    *(0xAD, 0x34F, 0x115F, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200C, 0x200D),
    *(0x3164, 0xFE00, 0xFE0E, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF0, 0xFFF9, 0x1BCA0, 0x1D173),
    *(0xE0000, 0xE0001, 0xE0020, 0xE007F, 0xE0100, 0xE01EF, 0xE0FFF),
    *(0xA0, 0x1680, 0x2000, 0x2003, 0x2009, 0x200A, 0x202F, 0x205F, 0x2800),
]

# What ends a line for libyaml, for a port of it, for YAML 1.2, for an editor or for Python.
LINE_ENDS = {
    "\r": "carriage return without a line feed (U+000D)",
    "\x0b": "vertical tab (U+000B)",
    "\x0c": "form feed (U+000C)",
    "\x1c": "separator (U+001C)",
    "\x1d": "separator (U+001D)",
    "\x1e": "separator (U+001E)",
    "\x85": "next line (U+0085)",
    "\u2028": "line separator (U+2028)",
    "\u2029": "paragraph separator (U+2029)",
}


@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\n# owner", "b: 2\n"),
        ("a: 1\r\n# owner", "b: 2\r\n"),
        ("a: 1\nb: {c: 1,  # owner", "d: 2}\n"),
        ("a: 1\nb: x", "  y\n"),
        ('a: 1\nb: "x', '  y"\n'),
        ("a: 1\nb:", ""),
        ("a: 1\n", "\r\nb: 2\n"),
    ],
)
def test_a_line_end_of_some_readers_is_refused(before: str, after: str, end: str) -> None:
    """Whoever ends a line there, git does not: nothing is read, and the place is the one of git."""
    document, faults = parse("a.yaml", (before + end + after).encode())

    assert document is None
    assert [Position(2, len(before) - before.rfind("\n"))] == [fault.position for fault in faults]
    assert f"found a {LINE_ENDS[end]}, which ends a line for some readers only" in faults[0].message


def test_the_line_ends_are_all_of_them() -> None:
    """The table above has every character that ends a line for Python, which knows the most."""
    ends = {end for end in map(chr, range(0x110000)) if len(f"a{end}b".splitlines()) > 1}

    assert {"\n", *LINE_ENDS} == ends


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_line_ends_may_be_mixed(end: str) -> None:
    """A carriage return before a line feed changes neither a value nor a line for anybody."""
    document, faults = parse("a.yaml", f"a: 1\r\nb: |{end}  x\r\n  y\nc: 2{end}".encode())

    assert document is not None
    assert [] == faults
    assert {"a": 1, "b": "x\ny\n", "c": 2} == document.value
    assert Position(5, 4) == document.at("c")


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
def test_every_place_is_the_one_of_git(loader: type) -> None:
    """In a file that is read, libyaml and its port count the same lines as a line feed ends."""
    text = "a: é x\r\n# \U0001f600\u26a0\ufe0f \u3000\nb: [1,\n\n  2]\r\n"
    document, _ = parse("a.yaml", text.encode())
    marks = [event.start_mark for event in yaml.parse(text, Loader=loader)]

    assert document is not None
    assert [0, 2, 4] == sorted({mark.line for mark in marks})[:3]


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0xFFFE, 0xFFFF], ids=hex)
def test_no_control_is_read(code: int) -> None:
    """Every control character of ASCII and Latin-1 but tab and line ends is refused by name."""
    character = chr(code)
    document, faults = parse("a.yaml", f"a: 1\n# b {character}\n".encode())

    is_read = character in "\t\r\n"
    assert is_read == (document is not None)
    assert is_read or [Position(2, 5)] == [fault.position for fault in faults]
    assert is_read or f"U+{code:04X}" in faults[0].message


@pytest.mark.parametrize("code", INVISIBLE, ids=hex)
def test_no_invisible_character_is_passed_over(code: int) -> None:
    """What has no width, turns the order of text, or is a blank but no space is a finding."""
    _, faults = parse("a.yaml", f"a: 1\nb: x{chr(code)}y\n".encode())

    assert [Position(2, 5)] == [fault.position for fault in faults]
    assert f"found the invisible character U+{code:04X}, which" in faults[0].message


def test_a_tab_is_found_before_what_is_invisible() -> None:
    """Tabs have the line that they stand in, wherever something else was found."""
    _, faults = parse("a.yaml", "a:\n\tb: 1\nc: x\u200by\n".encode())

    assert [Position(3, 5), Position(2, 1)] == [fault.position for fault in faults]


def test_an_emoji_is_not_invisible() -> None:
    """The selector that makes an emoji of the symbol before it is seen as the emoji."""
    document, faults = parse("a.yaml", "a: 1  # \u26a0\ufe0f careful\n".encode())

    assert document is not None
    assert [] == faults
