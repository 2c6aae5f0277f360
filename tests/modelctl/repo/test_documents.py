"""YAML with places: what is read, where it stands, and that nothing hostile costs much."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelctl.finding import Position
from modelctl.repo.documents import MAX_BYTES, MAX_FAULTS, Document, parse

LIMIT_S = 30.0  # of processor time, while memory is counted; without that each takes under 1 s
LIMIT_BYTES = 100 << 20
RULE = "yaml-strict"


def _document(text: str) -> Document:
    document, faults = parse("a.yaml", text.encode())
    assert document is not None
    assert [] == faults
    return document


def _places(content: bytes) -> list[tuple[int, int, str]]:
    _, faults = parse("a.yaml", content)
    assert {RULE} >= {fault.rule for fault in faults}
    return [(f.position.line, f.position.column, f.message) for f in faults]


@contextmanager
def _bounded() -> Iterator[None]:
    """Fails where the block takes long, or has more memory in use at one time."""
    start = time.process_time()
    tracemalloc.start()
    try:
        yield
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < LIMIT_S
    assert peak_bytes < LIMIT_BYTES


def test_values_and_their_places() -> None:
    """Every value and key is found at its line and column, counted in characters from 1."""
    document = _document("é: {a: 1, b: [x, 'y']}\nc:\n  - d: 2.5\n")

    assert {"é": {"a": 1, "b": ["x", "y"]}, "c": [{"d": 2.5}]} == document.value
    assert Position(1, 5) == document.at_key("é", "a")
    assert Position(1, 18) == document.at("é", "b", 1)
    assert Position(3, 5) == document.at_key("c", 0, "d")
    assert Position(3, 8) == document.at("c", 0, "d")


def test_an_absent_value_is_where_its_parent_is() -> None:
    """The place of what is missing is that of the nearest thing that is there."""
    document = _document("a:\n  b: 1\n")

    assert Position(2, 3) == document.at("a", "x", "y")
    assert Position(1, 1) == document.at_key("a")


def test_line_ends_of_windows() -> None:
    """A file with CRLF has the same values and lines as one with LF."""
    document = _document("a: 1\r\nb: text\r\n")

    assert {"a": 1, "b": "text"} == document.value
    assert Position(2, 4) == document.at("b")


@pytest.mark.parametrize(
    ("content", "place", "said"),
    [
        (b"a: 1\nb: 2\na: 3\n", (3, 1), "the key a again, expected it on line 1 only"),
        (b"a: &x 1\n", (1, 4), "the anchor &x"),
        (b"a: {b: *x}\n", (1, 8), "the alias *x"),
        (b"<<: {a: 1}\n", (1, 1), "a merge key"),
        (b"a: !!python/object:os.system 1\n", (1, 4), "the tag tag:yaml.org,2002:python/object"),
        (b"a: !int '1'\n", (1, 4), "the tag !int"),
        (b"a: ! 1\n", (1, 4), "the tag !"),
        (b"&k a: 1\n", (1, 1), "an anchor or a tag, expected a key"),
        (b"? [a]\n: 1\n", (1, 3), "a collection or an alias, expected a key"),
        (b"1: a\n", (1, 1), "the key 1, which is not text"),
        (b"on: a\n", (1, 1), "found on, which is a boolean"),
        (b"a: no\n", (1, 4), "found no, which is a boolean"),
        (b"a: [010]\n", (1, 5), "found 010, which is octal"),
        (b"%YAML 1.1\n---\na: 1\n", (1, 1), "a %YAML or %TAG directive"),
        (b"%TAG ! tag:example.com,2000:\n---\na: 1\n", (1, 1), "a %YAML or %TAG directive"),
        (b"---\na: 1\n---\nb: 2\n", (3, 1), "a second document"),
        (b"", (1, 1), "an empty file"),
        (b"# only a comment\n", (2, 1), "an empty file"),
        (b"# a comment without a line feed", (1, 32), "an empty file"),
        (b"a: 1\nb: {c: 1", (2, 9), "broken syntax, expected YAML: while parsing a flow mapping"),
        (
            b"a: [1, 2\nb: 3\n",
            (2, 2),
            "broken syntax, expected YAML: while parsing a flow sequence",
        ),
        (b"a: b: c\n", (1, 5), "broken syntax, expected YAML: mapping values are not"),
        (b"a:\n\tb: 1\n", (2, 1), "a tab in the indentation"),
        (b"a: {b: 1,\n  \tc: 2}\n", (2, 3), "a tab in the indentation"),
        (b"a: \xc3\xa9\xc3\xa9 \x07\n", (1, 7), "U+0007, which YAML does not allow"),
        (b"a: 1\nb: \x00\n", (2, 4), "U+0000, which YAML does not allow"),
        (b"a: \xff\n", (1, 4), "the byte 0xff, which is not UTF-8"),
        (b"\xff\xfea\x00:\x00", (1, 1), "the byte 0xff, which is not UTF-8"),
        (b"\xef\xbb\xbfa: 1\n", (1, 1), "the invisible character U+FEFF"),
        ("a: 1\n\ufeffb: 2\n".encode(), (2, 1), "the invisible character U+FEFF"),
        ("a: 1\nb: x\u200by\n".encode(), (2, 5), "the invisible character U+200B"),
        ("a: \u202e1\n".encode(), (1, 4), "the invisible character U+202E"),
        ("a:\u00a01\n".encode(), (1, 3), "the invisible character U+00A0"),
        (b"a: " + b"9" * 5000 + b"\n", (1, 4), "a number of 5000 digits"),
    ],
)
def test_refused(content: bytes, place: tuple[int, int], said: str) -> None:
    """What could mean something else to another reader is a finding at its place."""
    line, column, message = _places(content)[0]

    assert place == (line, column)
    assert said in message
    assert ", expected " in message or ", which " in message


def test_every_fault_is_told() -> None:
    """A file with several faults has a finding for each."""
    places = [place[:2] for place in _places(b"a: no\nb: 010\na: 1\n")]

    assert [(1, 4), (2, 4), (3, 1)] == places


def test_quoted_text_is_text() -> None:
    """Quotes make text of whatever is in them, as a block does."""
    document = _document("a: 'no'\nb: \"010\"\n'on': |\n  1:30\n")

    assert {"a": "no", "b": "010", "on": "1:30\n"} == document.value


HOSTILE = {
    "deep flow": b"[" * MAX_BYTES,
    "deep mappings": b"{a: " * (MAX_BYTES // 4),
    "deep blocks": b"- " * (MAX_BYTES // 2),
    "deep keys": b"? " * (MAX_BYTES // 2),
    "billion laughs": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
    "many values": b"[" + b"1," * (MAX_BYTES // 2 - 2) + b"]",
    "many keys": b"".join(b"k%d: 1\n" % number for number in range(90_000)),
    "explicit keys": b"[" + b"? a," * (MAX_BYTES // 4 - 2) + b"]",
    "duplicate keys": b"a: 1\n" * (MAX_BYTES // 5),
    "invisible characters": "\u200b".encode() * (MAX_BYTES // 3),
    "one word": b"a: " + b"x" * (MAX_BYTES - 4),
    "one number": b"a: " + b"9" * (MAX_BYTES - 4),
    "base 60": b"a: " + b"1:" * (MAX_BYTES // 2 - 4) + b"x",
    "escapes": b'"' + b"\\x41" * (MAX_BYTES // 4 - 2) + b'"',
    "folded": b"a: >\n" + b" x\n\n" * (MAX_BYTES // 4 - 4),
    "comments": b"#\n" * (MAX_BYTES // 2),
    "open quote": b'"' + b"x" * (MAX_BYTES - 2),
    "long anchor": b"&" + b"a" * (MAX_BYTES - 2),
    "long tag": b"!" + b"a" * (MAX_BYTES - 2),
    "tabs": b"\t" * MAX_BYTES,
    "100 MB": b"a" * 100_000_000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_cheap(content: bytes) -> None:
    """A file made to exhaust a reader costs little, and its findings are few and short."""
    with _bounded():
        _, faults = parse("a.yaml", content)

    assert len(faults) <= MAX_FAULTS + 1
    assert all(len(fault.message) < 200 for fault in faults)


def test_a_file_past_the_bound_is_not_read() -> None:
    """A megabyte and a byte is refused with both numbers."""
    document, faults = parse("a.yaml", b"a" * (MAX_BYTES + 1))

    assert document is None
    assert ["found 1048577 bytes, expected at most 1048576"] == [f.message for f in faults]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Whatever the bytes are, there is a document or a finding, and never an error."""
    document, faults = parse("a.yaml", content)

    assert document is not None or faults


@given(st.text(alphabet="abn01:-?,[]{}&*!|>'\"%@#~ \n\t.", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """The same for text made of what YAML gives a meaning."""
    document, faults = parse("a.yaml", text.encode())

    assert document is not None or faults


# Plain data whose words no reader could take for anything but text.
WORDS = st.from_regex(r"[a-z]{2,8}-[a-z]{2,8}", fullmatch=True)
NUMBERS = st.integers(-(10**18) + 1, 10**18 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_what_yaml_writes_is_read_back(value: object, is_flow: bool) -> None:  # noqa: FBT001 - drawn
    """Plain data written by PyYAML, in block or flow style, is the same data here."""
    text = yaml.safe_dump(value, default_flow_style=is_flow)

    assert value == _document(text).value


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.dates(), max_size=4))
def test_other_data_is_read_back_or_refused(value: dict[str, object]) -> None:
    """Of any text and dates that PyYAML writes, what is not refused is the same here."""
    text = yaml.safe_dump(value)
    document, faults = parse("a.yaml", text.encode())

    assert faults or (document is not None and value == document.value)
