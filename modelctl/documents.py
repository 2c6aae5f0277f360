"""YAML as people may write it here: plain values with a line and column for every one of them.

libyaml gives events with positions; this module builds dicts, lists and scalars from them and
refuses, as findings, whatever could mean something else to another reader: duplicate keys,
anchors, tags, implicit booleans, octal and sexagesimal numbers, dates, several documents. Nothing
is ever expanded or instantiated, so time and memory are bounded by the size of the file.

Source: YAML 1.2.2, section 10.3 (core schema), of which this is a subset.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from modelctl.finding import START, Finding, Position

RULE = "yaml-strict"
MAX_BYTES = 1 << 20
MAX_DEPTH = 32

# The stubs give libyaml's events no common attributes; the builder tells them apart itself.
_Event = Any

Pointer = tuple[str | int, ...]
Scalar = str | int | float | bool | None

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_MAX_INTEGER_DIGITS = 18
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NULL = ("", "~", "null")
_BOOLEANS = {"true": True, "false": False}
_AMBIGUOUS = (
    (
        re.compile(r"(?i)y|n|yes|no|on|off|true|false"),
        "is a boolean to some readers and text to others",
        "write true or false, or quote it",
    ),
    (
        re.compile(r"(?i)null"),
        "is null to some readers and text to others",
        "write null, or quote it",
    ),
    (
        re.compile(r"[-+]?0[0-9_]+|[-+]?0[oxb][0-9a-fA-F_]+"),
        "is octal, hexadecimal or binary to some readers",
        "write a decimal number without leading zeros, or quote it",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "is a number in base 60 to some readers",
        "quote it",
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?"),
        "is a date to some readers",
        "quote it",
    ),
    (
        re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"),
        "is infinity or not a number",
        "write a finite number, or quote it",
    ),
    (
        re.compile(
            r"\+[0-9.][0-9_.eE+-]*|[-+]?[0-9]+_[0-9_]*|[-+]?\.[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\."
        ),
        "is a number to some readers and text to others",
        "write it like 0.5 or 1000, or quote it",
    ),
)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node begins and ends in its file; the end is one past the last character."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: its value and, by pointer, the place of every value and key."""

    path: str
    value: object
    values: Mapping[Pointer, Span] = field(repr=False)
    keys: Mapping[Pointer, Span] = field(repr=False)

    def at(self, *pointer: str | int) -> Position:
        """Where the value at `pointer` stands; its nearest ancestor where it is absent."""
        while pointer not in self.values and pointer:
            pointer = pointer[:-1]
        return self.values[pointer].start if pointer in self.values else START

    def at_key(self, *pointer: str | int) -> Position:
        """Where the key at `pointer` stands; the value's place where there is no such key."""
        return self.keys[pointer].start if pointer in self.keys else self.at(*pointer)


def parse(path: str, content: bytes) -> tuple[Document | None, list[Finding]]:
    """The document of a file and every fault of form in it; no document where none can be had."""
    if len(content) > MAX_BYTES:
        return None, [too_large(path, len(content))]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _position_of(content[: error.start].decode("utf-8"))
        message = f"found the byte 0x{content[error.start]:02x}, which is not UTF-8"
        return None, [Finding(path, place, RULE, message, "save the file as UTF-8")]
    findings = list(_invisible_characters(path, text))
    builder = _Builder(path, findings)
    try:
        value = builder.build(text)
    except _RefusedError:
        return None, findings
    except yaml.MarkedYAMLError as error:
        findings.append(_syntax_fault(path, error))
        return None, findings
    except yaml.reader.ReaderError as error:
        place = _position_of(text[: error.position])
        message = f"found the character U+{error.character:04X}, which YAML does not allow"
        findings.append(Finding(path, place, RULE, message, "remove it, or escape it in quotes"))
        return None, findings
    return Document(path, value, builder.values, builder.keys), findings


def too_large(path: str, size_bytes: int) -> Finding:
    """The finding for a file that is not even read."""
    message = f"found {size_bytes} bytes, expected at most {MAX_BYTES}"
    return Finding(path, START, RULE, message, "keep data out of these files")


class _RefusedError(Exception):
    """The file means nothing definite past this point; the finding is already noted."""


@dataclass(slots=True)
class _Builder:
    """Builds the value of one document from libyaml's events, noting places and faults."""

    path: str
    findings: list[Finding]
    values: dict[Pointer, Span] = field(default_factory=dict)
    keys: dict[Pointer, Span] = field(default_factory=dict)

    def build(self, text: str) -> object:
        events = iter(yaml.parse(text, Loader=_LOADER))
        next(events)
        first = next(events)
        if isinstance(first, yaml.StreamEndEvent):
            self._refuse(first, "found an empty file, expected a mapping", "write its fields")
        value = self._node(next(events), events, ())
        next(events)
        extra = next(events)
        if not isinstance(extra, yaml.StreamEndEvent):
            self._refuse(extra, "found a second document, expected one", "split the file in two")
        return value

    def _node(self, event: _Event, events: Iterator[_Event], at: Pointer) -> object:
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"found the alias *{event.anchor}", "write the value out")
        if event.anchor is not None:
            self._refuse(event, f"found the anchor &{event.anchor}", "write the value out")
        if event.tag not in (None, "!"):
            self._refuse(event, f"found the tag {event.tag}", "remove it, or quote the value")
        if len(at) > MAX_DEPTH:
            self._refuse(event, f"found more than {MAX_DEPTH} levels of nesting", "flatten it")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, events, at)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, events, at)
        self.values[at] = _span(event, event)
        return self._scalar(event)

    def _mapping(self, start: _Event, events: Iterator[_Event], at: Pointer) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event)
            if key in mapping:
                first = self.keys[*at, key].start.line
                self._note(event, f"found the key {key!r} again, first on line {first}", "keep one")
                self._node(next(events), events, (*at, f"{key}\0{len(self.keys)}"))
                continue
            self.keys[*at, key] = _span(event, event)
            mapping[key] = self._node(next(events), events, (*at, key))
        self.values[at] = _span(start, event)
        return mapping

    def _sequence(self, start: _Event, events: Iterator[_Event], at: Pointer) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, (*at, len(items))))
        self.values[at] = _span(start, event)
        return items

    def _key(self, event: _Event) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse(event, "found a collection or an alias as a key", "write a plain name")
        if event.anchor is not None or event.tag not in (None, "!"):
            self._refuse(event, "found an anchor or a tag on a key", "write a plain name")
        if event.value == "<<" and not event.style:
            self._refuse(event, "found a merge key", "write the fields out")
        value = self._scalar(event)
        if not isinstance(value, str):
            self._note(event, f"found the key {event.value}, which is not text", "quote it")
        return str(event.value)

    def _scalar(self, event: _Event) -> Scalar:
        text: str = event.value
        if event.style:  # quoted or block: always text
            return text
        if text in _NULL:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if _INTEGER.fullmatch(text):
            return self._integer(event, text)
        if _FLOAT.fullmatch(text):
            return self._float(event, text)
        for pattern, fault, remedy in _AMBIGUOUS:
            if pattern.fullmatch(text):
                self._note(event, f"found {text[:40]}, which {fault}", remedy)
        return text

    def _integer(self, event: _Event, text: str) -> int:
        if len(text.lstrip("-")) > _MAX_INTEGER_DIGITS:
            self._note(event, f"found a number of {len(text)} digits", "quote it, or write less")
            return 0
        return int(text)

    def _float(self, event: _Event, text: str) -> float:
        number = float(text)
        if number in (float("inf"), float("-inf")):
            self._note(event, f"found {text[:40]}, which is out of range", "write a finite number")
            return 0.0
        return number

    def _note(self, event: _Event, message: str, remedy: str) -> None:
        place = _span(event, event).start
        self.findings.append(Finding(self.path, place, RULE, message, remedy))

    def _refuse(self, event: _Event, message: str, remedy: str) -> None:
        self._note(event, message, remedy)
        raise _RefusedError


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _span(first: _Event, last: _Event) -> Span:
    start, end = first.start_mark, last.end_mark
    return Span(Position(start.line + 1, start.column + 1), Position(end.line + 1, end.column + 1))


def _syntax_fault(path: str, error: yaml.MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    place = Position(mark.line + 1, mark.column + 1) if mark else START
    message = ": ".join(part for part in (error.context, error.problem) if part)
    return Finding(path, place, RULE, message, "mend the YAML syntax")


def _position_of(before: str) -> Position:
    return Position(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _invisible_characters(path: str, text: str) -> Iterator[Finding]:
    for match in _INVISIBLE.finditer(text):
        message = f"found the invisible character U+{ord(match[0]):04X}"
        place = _position_of(text[: match.start()])
        yield Finding(path, place, RULE, message, "remove it: reviewers cannot see it")
