"""Sets, adds and removes single entries of a YAML file as text: every other character stays.

A comment on lines of its own belongs to the entry below it, and stays when the entry above it is
removed. Only a comment beside an entry, or between its own lines, goes with it. libyaml counts what
stands between two entries to the first; here it belongs to the second.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from modelctl.errors import EditRefusedError
from modelctl.finding import Pointer, Position
from modelctl.repo.documents import Document, parse
from modelctl.repo.places import LOADER, position_of

_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class YamlText:
    """The text of a YAML file and the document that it parses to; an edit gives a new pair."""

    document: Document
    text: str

    def with_value(self, pointer: Pointer, value: str) -> "YamlText":
        """The file with the value at `pointer` replaced, or with a new last entry if it has none.

        Raises:
            EditRefusedError: The file is written in a way that cannot be edited safely.
        """
        if pointer not in self.document.values:
            return self._with_entry(pointer, value)
        start, end = self._start(pointer), self._end(pointer)
        old = self.text[start:end]
        if "\n" in old:
            raise self._refused(f"the value of {pointer[-1]} is on several lines")
        quote = old[0] if old[:1] in ("'", '"') else ""
        return self._reparsed(f"{self.text[:start]}{quote}{value}{quote}{self.text[end:]}")

    def without_entry(self, pointer: Pointer) -> "YamlText":
        """The file without a key and its value, and without the comments on their lines.

        Raises:
            EditRefusedError: The file is written in a way that cannot be edited safely.
        """
        if self._is_flow(pointer[:-1]):
            return self._reparsed(self._without_flow_entry(pointer))
        start = self._line_start(self._key(pointer))
        return self._reparsed(self.text[:start] + self.text[self._line_end(self._end(pointer)) :])

    def with_item(self, pointer: Pointer, lines: Sequence[str]) -> "YamlText":
        """The file with a new last item, a mapping of these lines, in the list at `pointer`.

        Raises:
            EditRefusedError: The list is in brackets, or there is none with an item in it.
        """
        items = sorted(at for at in self.document.values if at[:-1] == pointer and at != pointer)
        if not items or self._is_flow(pointer):
            raise self._refused(f"found no list {pointer[-1]} with one item a line to add to")
        first, last = self._start(items[0]), self._start(items[-1])
        head = self.text[self._line_start(last) : last]
        if head.strip(_BLANKS) != "-":
            raise self._refused(f"the items of {pointer[-1]} do not each begin their line")
        apart = len(items) == 1 or "\n\n" in self.text[first:last].replace("\r", "")
        indented = [head + lines[0], *(" " * len(head) + line for line in lines[1:])]
        return self._with_lines(self._end(items[-1]), ["", *indented] if apart else indented)

    def _with_entry(self, pointer: Pointer, value: str) -> "YamlText":
        parent, entry = pointer[:-1], f"{pointer[-1]}: {value}"
        siblings = self._siblings(parent)
        if not siblings:
            raise self._refused(f"there is no {parent[-1] if parent else 'field'} to add to")
        last = siblings[-1]
        end = self._end(last)
        indent = " " * (self.document.values[parent].start.column - 1)
        if not self._is_flow(parent):
            return self._with_line(end, indent + entry)
        before = self.text[self._line_start(self._key(last)) : self._key(last)]
        comma = self._comma(end, self._close(parent))
        has_own_line = not before.strip(_BLANKS) and "\n" in self.text[end : self._close(parent)]
        if not has_own_line or (comma is not None and "\n" in self.text[end:comma]):
            return self._reparsed(f"{self.text[:end]}, {entry}{self.text[end:]}")
        if comma is not None:
            return self._with_line(end, f"{before}{entry},")
        return self._with_line(end, before + entry, mark=",")

    def _with_line(self, offset: int, line: str, *, mark: str = "") -> "YamlText":
        """The file with `mark` put in at an offset, and a new line below the line of the offset."""
        return self._with_lines(offset, [line], mark=mark)

    def _with_lines(self, offset: int, lines: Iterable[str], *, mark: str = "") -> "YamlText":
        """The same with several lines; each ends as the lines above it do."""
        at = self._line_end(offset)
        above = self.text[:offset] + mark + self.text[offset:at]
        newline = "\r\n" if above[: above.rfind("\n") + 1].endswith("\r\n") else "\n"
        above = above if above.endswith("\n") else above + newline
        added = "".join(f"{line}{newline}" for line in lines)
        return self._reparsed(f"{above}{added}{self.text[at:]}")

    def _without_flow_entry(self, pointer: Pointer) -> str:
        """The text without an entry of a flow mapping and one of the commas beside it."""
        start, end, comma = self._flow_entry(pointer)
        line_start, line_end = self._line_start(start), self._line_end(end)
        head, before = self.text[:line_start], self.text[line_start:start]
        after, tail = self.text[end:line_end], self.text[line_end:]
        if line_start <= comma < start:
            before = self.text[line_start:comma]
        elif end <= comma < line_end:
            after = self.text[comma + 1 : line_end]
            after = after if _is_comment(after) else after.lstrip(_BLANKS)
        elif 0 <= comma < line_start:
            head = _without_comma(head, comma)
        elif comma >= line_end:
            tail = _without_comma(tail, comma - line_end)
        if after.strip() and not _is_comment(after):
            return head + before + after + tail
        if not before.strip():
            return head + tail
        after = after if _is_comment(after) else after.lstrip(_BLANKS)
        return head + before.rstrip() + after + tail

    def _flow_entry(self, pointer: Pointer) -> tuple[int, int, int]:
        """Where an entry of a flow mapping begins and ends, and its comma; -1 if it has none.

        Of the commas before and after the entry, that is the one on the entry's own line.
        """
        parent = pointer[:-1]
        siblings = self._siblings(parent)
        index = siblings.index(pointer)
        before = self._end(siblings[index - 1]) if index else self._start(parent)
        following = siblings[index + 1 : index + 2]
        after = self._key(following[0]) if following else self._close(parent)
        start, end = self._key(pointer), self._end(pointer)
        mark = self._token(yaml.KeyToken, before, start)  # a question mark before the key
        first = self._comma(before, start) if index else None
        second = self._comma(end, after)
        start = start if mark is None else mark
        is_near = second is not None and "\n" not in self.text[end:second]
        if first is not None and not is_near and "\n" not in self.text[first:start]:
            second = None
        comma = first if second is None else second
        return start, end, -1 if comma is None else comma

    def _comma(self, start: int, end: int) -> int | None:
        return self._token(yaml.FlowEntryToken, start, end)

    def _token(self, kind: type[yaml.Token], start: int, end: int) -> int | None:
        """Where the first token of a kind stands between two offsets."""
        found: Any
        for found in yaml.scan(self.text, Loader=LOADER):
            at = self._offset(position_of(found.start_mark)) if isinstance(found, kind) else -1
            if start <= at < end:
                return at
        return None

    def _siblings(self, parent: Pointer) -> list[Pointer]:
        """The pointers of the entries of a mapping, in the order of the text."""
        keys = self.document.keys
        own = (at for at in keys if at and at[:-1] == parent)
        return sorted(own, key=lambda at: keys[at].start)

    def _start(self, pointer: Pointer) -> int:
        return self._offset(self.document.values[pointer].start)

    def _key(self, pointer: Pointer) -> int:
        return self._offset(self.document.keys[pointer].start)

    def _close(self, pointer: Pointer) -> int:
        """Where the closing bracket of a flow mapping stands."""
        return self._offset(self.document.values[pointer].end) - 1

    def _end(self, pointer: Pointer) -> int:
        """The offset behind the last character of a value that is no comment and no blank."""
        values = self.document.values
        inner = [at for at in values if at != pointer and at[: len(pointer)] == pointer]
        if inner and not self._is_flow(pointer):
            return max(self._end(at) for at in inner)
        start, end = self._start(pointer), self._offset(values[pointer].end)
        return start + len(self.text[start:end].rstrip())

    def _is_flow(self, pointer: Pointer) -> bool:
        start = self._start(pointer)
        return self.text[start : start + 1] in ("{", "[")

    def _line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def _line_end(self, offset: int) -> int:
        """Where the line after the one of `offset` begins."""
        return self.text.find("\n", offset) + 1 or len(self.text)

    def _offset(self, position: Position) -> int:
        start = 0
        for _ in range(position.line - 1):
            start = self._line_end(start)
        return start + position.column - 1

    def _reparsed(self, text: str) -> "YamlText":
        document, faults = parse(self.document.path, text.encode())
        if document is None or faults:
            raise self._refused(f"cannot be edited safely: {faults[0]}")
        return YamlText(document, text)

    def _refused(self, why: str) -> EditRefusedError:
        return EditRefusedError(f"{self.document.path}: {why}")


def _without_comma(text: str, comma: int) -> str:
    """The text without a comma, and without its line if nothing else stands there."""
    start = text.rfind("\n", 0, comma) + 1
    end = text.find("\n", comma) + 1 or len(text)
    before, after = text[start:comma], text[comma + 1 : end]
    if not before.strip() and not after.strip():
        return text[:start] + text[end:]
    before = before if after.startswith("#") else before.rstrip(_BLANKS) or before
    return text[:start] + before + after + text[end:]


def _is_comment(rest: str) -> bool:
    return rest.lstrip().startswith("#")
