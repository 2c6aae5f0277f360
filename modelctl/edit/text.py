"""Edits of a serving file as text: the fewest characters change, comments and order stay.

Places come from the parsed document; the edited text is parsed again and must mean exactly what
was intended, or nothing is given back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from modelctl.errors import EditRefusedError
from modelctl.finding import Pointer, Position
from modelctl.repo.documents import Document, parse

_LINE = re.compile("[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|$)")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an edit may set: the stable release, every weight, and whether a shadow stays."""

    stable: str
    weights: Mapping[str, int]
    shadow: bool = True


def with_traffic(document: Document, text: str, traffic: Traffic) -> str:
    """The text of a serving file with other traffic.

    Raises:
        EditRefusedError: the file is written in a way that cannot be edited safely.

    """
    edited = _File(document, text)
    edited = edited.with_value(("stable",), traffic.stable)
    for release in _weights(edited):
        if release not in traffic.weights:
            edited = edited.without_entry(("weights", release))
    for release, weight in traffic.weights.items():
        edited = edited.with_value(("weights", release), str(weight))
    if not traffic.shadow and "shadow" in _fields(edited):
        edited = edited.without_entry(("shadow",))
    _verify(edited, traffic)
    return edited.text


def _fields(file: "_File") -> dict[str, object]:
    value = file.document.value
    return value if isinstance(value, dict) else {}


def _weights(file: "_File") -> dict[str, object]:
    weights = _fields(file).get("weights")
    return dict(weights) if isinstance(weights, dict) else {}


def _verify(file: "_File", traffic: Traffic) -> None:
    if _weights(file) != traffic.weights or _fields(file).get("stable") != traffic.stable:
        raise EditRefusedError(
            f"{file.document.path}: its layout cannot be edited safely; "
            f"write stable: {traffic.stable} and weights: {dict(traffic.weights)} by hand"
        )


@dataclass(frozen=True, slots=True)
class _File:
    """A text and its parsed document, always in step."""

    document: Document
    text: str

    def with_value(self, pointer: Pointer, value: str) -> "_File":
        """The file with the scalar at `pointer` set, as a new entry if there is none."""
        span = self.document.values.get(pointer)
        if span is None:
            return self._with_entry(pointer, value)
        start, end = self._offset(span.start), self._offset(span.end)
        if self.text[start:end] in (value, f'"{value}"', f"'{value}'"):
            return self
        return self._reparsed(self.text[:start] + value + self.text[end:])

    def without_entry(self, pointer: Pointer) -> "_File":
        """The file without a key and its value."""
        key = self._offset(self.document.keys[pointer].start)
        end = self._offset(self.document.values[pointer].end)
        if self._is_flow(pointer[:-1]):
            return self._reparsed(_without_flow_entry(self.text, key, end))
        start = self._line_start(key)
        after = _LINE.match(self.text, end) if self.text[end - 1] != "\n" else None
        return self._reparsed(self.text[:start] + self.text[after.end() if after else end :])

    def _with_entry(self, pointer: Pointer, value: str) -> "_File":
        parent, key = pointer[:-1], pointer[-1]
        siblings = [at for at in self.document.keys if at[:-1] == parent and at != parent]
        if not siblings:
            raise EditRefusedError(f"{self.document.path}: there is no {parent[-1]} to add to")
        last = max(siblings, key=lambda at: self.document.keys[at].start)
        end = self._offset(self.document.values[last].end)
        if self._is_flow(parent):
            return self._reparsed(f"{self.text[:end]}, {key}: {value}{self.text[end:]}")
        indent = " " * (self.document.keys[last].start.column - 1)
        rest = _LINE.match(self.text, end)
        at = rest.end() if rest else end
        newline = "\r\n" if "\r\n" in self.text else "\n"
        before = self.text[:at] if self.text[:at].endswith(newline) else self.text[:at] + newline
        return self._reparsed(f"{before}{indent}{key}: {value}{newline}{self.text[at:]}")

    def _is_flow(self, pointer: Pointer) -> bool:
        start = self._offset(self.document.values[pointer].start)
        return self.text[start : start + 1] == "{"

    def _line_start(self, offset: int) -> int:
        return max((m.start() for m in _LINE.finditer(self.text) if m.start() <= offset), default=0)

    def _offset(self, place: Position) -> int:
        starts = [match.start() for match in _LINE.finditer(self.text)]
        return starts[place.line - 1] + place.column - 1

    def _reparsed(self, text: str) -> "_File":
        document, faults = parse(self.document.path, text.encode())
        if document is None or faults:
            raise EditRefusedError(f"{self.document.path}: cannot be edited safely: {faults[0]}")
        return replace(self, document=document, text=text)


def _without_flow_entry(text: str, key: int, end: int) -> str:
    after = re.compile(r"\s*,\s*").match(text, end)
    if after:
        return text[:key] + text[after.end() :]
    before = text[:key].rstrip()
    return before.removesuffix(",") + text[end:]
