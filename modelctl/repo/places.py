"""Where each value and key of a YAML file stands.

Only a finding or an edit asks, so that places are looked up in a second reading of the file, which
the first has found to be plain.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from modelctl.finding import Pointer, Position

# libyaml's parser where it is there; the one in Python takes many times as long.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# The stubs give libyaml's events no common attributes.
_Event = Any


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node begins and ends in its file; the end is one past the last character."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Places:
    """By pointer, the place of every value and of every key."""

    values: dict[Pointer, Span] = field(default_factory=dict)
    keys: dict[Pointer, Span] = field(default_factory=dict)

    def note(self, event: _Event, events: Iterator[_Event], at: Pointer) -> None:
        """Note the node that begins with an event, and everything in it."""
        last = event
        if isinstance(event, yaml.MappingStartEvent):
            while not isinstance(last := next(events), yaml.MappingEndEvent):
                self._note_entry(last, events, at)
        elif isinstance(event, yaml.SequenceStartEvent):
            count = 0
            while not isinstance(last := next(events), yaml.SequenceEndEvent):
                self.note(last, events, (*at, count))
                count += 1
        self.values[at] = _span(event, last)

    def _note_entry(self, key: _Event, events: Iterator[_Event], at: Pointer) -> None:
        """A key that is there again gets a pointer of its own: the first one is meant."""
        inside = (*at, key.value)
        if inside in self.keys:
            inside = (*at, f"{key.value}\0{len(self.keys)}")
        self.keys[inside] = _span(key, key)
        self.note(next(events), events, inside)


def places(text: str) -> Places:
    """The places in the only document of a text."""
    events = iter(yaml.parse(text, Loader=LOADER))
    _, _, first = next(events), next(events), next(events)
    found = Places()
    found.note(first, events, ())
    return found


def position_of(mark: Any) -> Position:  # noqa: ANN401 - libyaml's mark, or the pure reader's
    """The line and column of a mark, counted from 1."""
    return Position(mark.line + 1, mark.column + 1)


def _span(first: _Event, last: _Event) -> Span:
    return Span(position_of(first.start_mark), position_of(last.end_mark))
