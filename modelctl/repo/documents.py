"""YAML as people may write it here: plain values with a line and column for every one of them.

libyaml gives events with positions; this module builds dicts, lists and scalars from them and
refuses, as findings, whatever could mean something else to another reader: duplicate keys,
anchors, tags, directives, implicit booleans, octal and sexagesimal numbers, dates, several
documents. Nothing is ever expanded or instantiated, and bytes, depth, values and faults are
counted, so time and memory are bounded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from modelctl.finding import START, Finding, Pointer, Position
from modelctl.repo import characters, scalars
from modelctl.repo.places import LOADER, Places, Span, places, position_of
from modelctl.repo.scalars import short

RULE = "yaml-strict"
# Bounds of one file, so that reading it is bounded in time and memory.
MAX_BYTES = 1 << 20
MAX_DEPTH = 32  # levels of nesting
MAX_VALUES = 50_000  # the largest file that the schemas allow has a fifth of this
MAX_FAULTS = 100

# The stubs give libyaml's events no common attributes; the builder tells them apart itself.
_Event = Any


@dataclass(frozen=True)
class Document:
    """One parsed file: its value and, by pointer, the place of every value and key."""

    path: str
    value: object
    text: str = field(repr=False)

    @cached_property
    def _places(self) -> Places:
        return places(self.text)

    @property
    def values(self) -> Mapping[Pointer, Span]:
        """The place of every value."""
        return self._places.values

    @property
    def keys(self) -> Mapping[Pointer, Span]:
        """The place of every key."""
        return self._places.keys

    def at(self, *pointer: str | int) -> Position:
        """Where the value at `pointer` stands; its nearest ancestor where it is absent."""
        while pointer not in self.values and pointer:
            pointer = pointer[:-1]
        return self.values[pointer].start if pointer in self.values else START

    def at_key(self, *pointer: str | int) -> Position:
        """Where the key at `pointer` stands; the value's place where there is no such key."""
        return self.keys[pointer].start if pointer in self.keys else self.at(*pointer)


def parse(path: str, content: bytes) -> tuple[Document | None, list[Finding]]:
    """The document of a file, None where it cannot be parsed to its end, and its faults of form."""
    if len(content) > MAX_BYTES:
        return None, [too_large(path, len(content))]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        position = characters.position_of(before, len(before))
        message = f"found the byte 0x{content[error.start]:02x}, which is not UTF-8"
        return None, [Finding(path, position, RULE, message, "save the file as UTF-8")]
    builder = _Builder(path)
    try:
        builder.note_characters(text)
        value = builder.build(text)
    except _RefusedError:
        return None, builder.findings
    except yaml.MarkedYAMLError as error:
        return None, [*builder.findings, _syntax_fault(path, builder.end, error)]
    return Document(path, value, text), builder.findings


def too_large(path: str, size_bytes: int) -> Finding:
    """The finding for a file that is not even read."""
    message = f"found {size_bytes} bytes, expected at most {MAX_BYTES}"
    return Finding(path, START, RULE, message, "keep data out of these files")


class _RefusedError(Exception):
    """What follows in the file has no one meaning; the finding that says so has been noted."""


@dataclass(slots=True)
class _Builder:
    """Builds the value of one document from libyaml's events, noting faults."""

    path: str
    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    end: Position = START  # of the text: what ends with it libyaml may place a line below

    def note_characters(self, text: str) -> None:
        """Note characters that some readers miss.

        After one that ends a line for some readers only, they would count lines differently: the
        file is then refused as a whole.
        """
        is_fatal = False
        for suspect in characters.suspects(text):
            self._add(suspect.position, suspect.message, suspect.remedy)
            is_fatal = is_fatal or suspect.is_fatal
        if is_fatal:
            raise _RefusedError

    def build(self, text: str) -> object:
        self.end = characters.position_of(text, len(text))
        events = iter(yaml.parse(text, Loader=LOADER))
        next(events)
        first: _Event = next(events)
        if isinstance(first, yaml.StreamEndEvent):
            self._refuse(first, "found an empty file, expected a mapping", "write its fields")
        if first.version or first.tags:
            self._refuse(first, "found a %YAML or %TAG directive, expected none", "remove it")
        value = self._node(next(events), events, 0)
        next(events)
        extra = next(events)
        if not isinstance(extra, yaml.StreamEndEvent):
            self._refuse(extra, "found a second document, expected one", "split the file in two")
        return value

    def _node(self, event: _Event, events: Iterator[_Event], depth: int) -> object:
        self.count += 1
        is_plain = event.anchor is None and event.tag is None
        if not is_plain or self.count > MAX_VALUES or depth > MAX_DEPTH:
            self._refuse(event, *self._never_plain(event))
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, depth + 1)
        return self._sequence(events, depth + 1)

    def _never_plain(self, event: _Event) -> tuple[str, str]:
        """What a node has that no plain file has, and what to do about it."""
        if self.count > MAX_VALUES:
            return f"found too many values, expected at most {MAX_VALUES}", "keep data out of it"
        if event.anchor is not None:
            is_alias = isinstance(event, yaml.AliasEvent)
            name = ("the alias *" if is_alias else "the anchor &") + short(event.anchor)
            return f"found {name}, expected the value itself", "write the value out"
        if event.tag is not None:
            remedy = "remove it, or quote the value"
            return f"found the tag {short(event.tag)}, expected none", remedy
        return f"found too many levels of nesting, expected at most {MAX_DEPTH}", "flatten it"

    def _mapping(self, events: Iterator[_Event], depth: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event)
            if key in mapping:
                first = lines[key] + 1
                message = f"found the key {short(key)} again, expected it on line {first} only"
                self._note(event, message, "keep one")
                self._node(next(events), events, depth)
                continue
            lines[key] = event.start_mark.line
            mapping[key] = self._node(next(events), events, depth)
        return mapping

    def _sequence(self, events: Iterator[_Event], depth: int) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, depth))
        return items

    def _key(self, event: _Event) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse(
                event, "found a collection or an alias, expected a key", "write a plain name"
            )
        if event.anchor is not None or event.tag is not None:
            self._refuse(event, "found an anchor or a tag, expected a key", "write a plain name")
        name: str = event.value
        if name == "<<" and not event.style:
            self._refuse(event, "found a merge key, expected the fields", "write them out")
        fault = None if event.style else scalars.key(name)
        if fault:
            self._note(event, fault.message, fault.remedy)
        return name

    def _scalar(self, event: _Event) -> scalars.Scalar:
        text: str = event.value
        if event.style:  # quoted or block: always text
            return text
        value, fault = scalars.plain(text)
        if fault:
            self._note(event, fault.message, fault.remedy)
        return value

    def _note(self, event: _Event, message: str, remedy: str) -> None:
        self._add(min(position_of(event.start_mark), self.end), message, remedy)

    def _add(self, position: Position, message: str, remedy: str) -> None:
        self.findings.append(Finding(self.path, position, RULE, message, remedy))
        if len(self.findings) == MAX_FAULTS:
            message = f"found {MAX_FAULTS} faults up to here, expected none: the rest is not read"
            self.findings.append(Finding(self.path, position, RULE, message, "mend these first"))
            raise _RefusedError

    def _refuse(self, event: _Event, message: str, remedy: str) -> None:
        self._note(event, message, remedy)
        raise _RefusedError


def _syntax_fault(path: str, end: Position, error: yaml.MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    position = min(position_of(mark), end) if mark else START
    words = ": ".join(part for part in (error.context, error.problem) if part)
    message = f"found broken syntax, expected YAML: {words}"
    return Finding(path, position, RULE, message, "mend it there, or on a line before")
