"""A difference can be seen in the words that tell it, whatever the two texts are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.check.difference import differs_in_line_ends_only, first_difference
from modelctl.finding import Position

EXPECTED = "---\nkind: Service\n  name: linear\n"
LONG = "  value: " + "0123456789" * 12 + "\n"


@pytest.mark.parametrize(
    ("found", "expected", "position", "shown", "wanted"),
    [
        ("a: 1\nb: 3\n", "a: 1\nb: 2\n", (2, 4), "b: 3", "b: 2"),
        ("a: 1\r\n", "a: 1\n", (1, 5), "a: 1\\r", "a: 1"),
        ("a: 1 \n", "a: 1\n", (1, 5), "a: 1\\x20", "a: 1"),
        ("a: 1\t\n", "a: 1\n", (1, 5), "a: 1\\t", "a: 1"),
        ("a:\t1\n", "a: 1\n", (1, 3), "a:\\t1", "a: 1"),
        ("a: 1", "a: 1\n", (1, 5), "a: 1 without a line break", "a: 1"),
        ("a: 1\r", "a: 1\n", (1, 5), "a: 1\\r without a line break", "a: 1"),
        ("  a: 1\n", "    a: 1\n", (1, 3), "a: 1 indented by 2", "a: 1 indented by 4"),
        ("\ta: 1\n", "  a: 1\n", (1, 1), "\\ta: 1", "a: 1"),
        ("", "a: 1\n", (1, 1), "the end of the file", "a: 1"),
        ("a: 1\n\n", "a: 1\n", (2, 1), "an empty line", "the end of the file"),
        ("a: 1\n  \n", "a: 1\n", (2, 1), "\\x20\\x20", "the end of the file"),
        ("a: 1\n", "a: 1\nb: 2\n", (2, 1), "the end of the file", "b: 2"),
        ("\ufeffa: 1\n", "a: 1\n", (1, 1), "\\ufeffa: 1", "a: 1"),
        ("a: p\u0430y\n", "a: pay\n", (1, 5), "a: p\\u0430y", "a: pay"),
        ("a: 1\u200b\n", "a: 1\n", (1, 5), "a: 1\\u200b", "a: 1"),
        ("a: 1\x0bb: 2\n", "a: 1\nb: 2\n", (1, 5), "a: 1\\x0bb: 2", "a: 1"),
        ("a: 1\rb: 2\nc", "a: 1\nb: 2\nc", (1, 5), "a: 1\\rb: 2", "a: 1"),
    ],
)
def test_words(
    found: str, expected: str, position: tuple[int, int], shown: str, wanted: str
) -> None:
    """What cannot be seen is written out, and lines are those of git."""
    difference = first_difference(found.encode(), expected.encode())

    assert Position(*position) == difference.position
    assert (shown, wanted) == (difference.found, difference.expected)


def test_a_byte_that_is_not_utf_8() -> None:
    """Bytes that are no text are written out as well."""
    difference = first_difference(b"a: \xff\n", b"a: 1\n")

    assert ("a: \\xff", "a: 1") == (difference.found, difference.expected)


@pytest.mark.parametrize("at", [9, 40, 80, 128])
def test_a_long_line_is_cut_to_its_difference(at: int) -> None:
    """Wherever a long line differs, the part that is shown has the difference."""
    found = LONG[:at] + "X" + LONG[at + 1 :]
    difference = first_difference(found.encode(), LONG.encode())

    assert "X" in difference.found
    assert "X" not in difference.expected
    assert len(difference.found) <= 62


LINES = st.text(alphabet=" \t\r\n:ab\u0430\u200b\xa0\x0b\x85", max_size=40)


@given(LINES, LINES)
def test_the_words_differ_as_the_texts_do(found: str, expected: str) -> None:
    """Of two texts that differ, the two descriptions differ, in visible ASCII of one line."""
    if found != expected:
        difference = first_difference(found.encode(), expected.encode())

        assert difference.found != difference.expected
        assert all(
            " " <= c <= "~" for c in (difference.found + difference.expected).replace("…", "")
        )


@pytest.mark.parametrize(
    ("found", "is_so"),
    [
        (EXPECTED.replace("\n", "\r\n"), True),
        (EXPECTED.replace("\n", "\r"), True),
        (EXPECTED.replace("\n", "\r\n", 1), True),
        (EXPECTED, False),
        (EXPECTED.replace("\n", "\r\n").replace("linear", "other"), False),
        (EXPECTED.replace("\n", " \n"), False),
        (EXPECTED.rstrip("\n"), False),
    ],
)
def test_line_ends_alone(found: str, *, is_so: bool) -> None:
    """Carriage returns are told apart from any other difference."""
    assert is_so == differs_in_line_ends_only(found.encode(), EXPECTED.encode())
