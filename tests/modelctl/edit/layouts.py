"""Serving files in any layout that YAML allows: flow and block, comments anywhere, quotes, CRLF."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import strategies as st

RELEASES = ("r1", "r2", "r3", "r4", "r5")
_WORDS = ("why: see, {notes}", "r2: 5", "}", ", # and", "? a - b", "'\"")


@dataclass(slots=True)
class Writer:
    """Writes one value as YAML, and draws every choice of layout."""

    draw: st.DrawFn
    numbers: count = field(default_factory=lambda: count(1))

    def choose(self, *choices: Any) -> Any:  # noqa: ANN401 - whatever is to choose from
        """One of the choices; the first is the simplest."""
        return self.draw(st.sampled_from(choices))

    def rarely(self) -> bool:
        """Whether to choose something that few people write."""
        return self.draw(st.integers(0, 4)) == 4

    def comment(self) -> str:
        """A comment that no other one begins like."""
        return f"# c{next(self.numbers)}. {self.choose(*_WORDS)}"

    def scalar(self, value: object) -> str:
        """A scalar; text sometimes in quotes."""
        quote = self.choose("", "", "'", '"') if isinstance(value, str) else ""
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        return f"{quote}{shown}{quote}"

    def lines(self) -> str:
        """Comments and blank lines that may stand between two lines."""
        kinds = self.draw(st.lists(st.sampled_from(("comment", "blank")), max_size=2))
        return "".join(
            f"{' ' * self.choose(0, 2, 5)}{self.comment()}\n" if kind == "comment" else "\n"
            for kind in kinds
        )

    def end(self) -> str:
        """The rest of a line."""
        return self.choose("", "", "  ", f" {self.comment()}") + "\n"

    def gap(self, indent: int, *simple: str) -> str:
        """What may stand between two tokens of a flow mapping."""
        begin = "\n" + " " * (indent + self.choose(1, 2, 4))
        kind = self.choose("simple", "simple", "line", "comment")
        if kind == "simple":
            return str(self.choose(*simple))
        return f" {self.comment()}{begin}" if kind == "comment" else begin

    def flow(self, value: Mapping[str, object], indent: int) -> str:
        """A flow mapping whose lines, if it has several, are indented more than its parent."""
        entries = [self.flow_entry(key, item, indent) for key, item in value.items()]
        text = "{" + self.gap(indent, "", " ")
        for index, entry in enumerate(entries):
            is_last = index == len(entries) - 1
            comma = self.choose("", "", ",") if is_last else ","
            between = self.gap(indent, "", "") if comma else ""
            text += entry + between + comma + self.gap(indent, "" if is_last else " ", " ")
        return text + "}"

    def flow_entry(self, key: str, item: object, indent: int) -> str:
        """One entry of a flow mapping, its key sometimes explicit."""
        shown = self.flow(item, indent) if isinstance(item, Mapping) else self.scalar(item)
        if self.rarely():
            return f"? {self.scalar(key)} : {shown}"
        return f"{self.scalar(key)}:{self.gap(indent, ' ', '  ')}{shown}"

    def block(self, value: Mapping[str, object], indent: int) -> str:
        """A block mapping; every entry begins a line."""
        begin = " " * indent
        text = ""
        for key, item in value.items():
            is_explicit = self.rarely()
            head = (
                f"? {self.scalar(key)}{self.end()}{begin}:"
                if is_explicit
                else self.scalar(key) + ":"
            )
            text += f"{self.lines()}{begin}{head}{self.block_value(item, indent)}"
        return text

    def block_value(self, item: object, indent: int) -> str:
        """The value of an entry of a block mapping, to the end of its last line."""
        deeper = indent + self.choose(2, 1, 4)
        if isinstance(item, Mapping):
            if self.choose("flow", "block") == "block":
                return self.end() + self.block(item, deeper)
            return f" {self.flow(item, indent)}{self.end()}"
        if self.rarely():
            return f"{self.end()}{' ' * deeper}{self.scalar(item)}{self.end()}"
        return f" {self.scalar(item)}{self.end()}"


@dataclass(frozen=True, slots=True)
class Layout:
    """A serving file as text, and what it means."""

    text: str
    value: dict[str, Any]


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Any serving file."""
    writer = Writer(draw)
    fields: dict[str, Any] = {
        "stable": draw(st.sampled_from(RELEASES)),
        "weights": draw(weights()),
        "scale": {"min": 1, "max": 4, "metric": "cpu", "target": 70},
    }
    if draw(st.booleans()):
        fields["shadow"] = {"release": draw(st.sampled_from(RELEASES)), "percent": 10}
    if draw(st.booleans()):
        fields["paused"] = draw(st.booleans())
    order = draw(st.permutations(list(fields)))
    value = {key: fields[key] for key in order}
    is_flow = writer.rarely()
    body = writer.flow(value, 0) + writer.end() if is_flow else writer.block(value, 0)
    text = writer.lines() + writer.choose("", "---\n") + body + writer.lines()
    text += writer.choose("", "", "...\n")
    if writer.rarely():
        text = text.rstrip("\n")
    return Layout(text.replace("\n", writer.choose("\n", "\r\n")), value)


def weights() -> st.SearchStrategy[dict[str, int]]:
    """One to four releases in any order, each with a weight."""
    numbers = st.integers(0, 100)
    return st.permutations(RELEASES).flatmap(
        lambda order: st.integers(1, 4).flatmap(
            lambda many: st.fixed_dictionaries(dict.fromkeys(order[:many], numbers))
        )
    )
