"""Whatever the layout of a serving file, an edit means what was asked and touches nothing else."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelctl.edit.text import Traffic, with_traffic
from modelctl.finding import Pointer
from modelctl.repo.documents import Document, parse
from tests.modelctl.edit.layouts import RELEASES, Layout, layouts, weights

TRAFFIC = st.builds(Traffic, st.sampled_from(RELEASES), weights(), st.booleans())
THOROUGH = settings(max_examples=150, deadline=None)


def _read(text: str) -> Document:
    document, faults = parse("envs/prod.yaml", text.encode())
    assert document is not None
    assert [] == faults
    return document


def _wanted(value: dict[str, Any], traffic: Traffic) -> dict[str, Any]:
    """What the file has to mean: the same fields and releases in their order, the new ones last."""
    order = [r for r in value["weights"] if r in traffic.weights]
    order += [r for r in traffic.weights if r not in order]
    given = {"stable": traffic.stable, "weights": {r: traffic.weights[r] for r in order}}
    gone = () if traffic.shadow else ("shadow",)
    return {key: given.get(key, item) for key, item in value.items() if key not in gone}


def _last_line(document: Document, lines: list[str], pointer: Pointer) -> int:
    """The line that a value ends on: that of its last scalar or closing bracket."""
    ends = []
    for at, span in document.values.items():
        is_below = at[: len(pointer)] == pointer
        first = lines[span.start.line - 1][span.start.column - 1]
        if is_below and (
            first in "{[" or at not in {other[:-1] for other in document.values if other}
        ):
            ends.append(span.end.line)
    return max(ends)


def _removed(layout: Layout, traffic: Traffic) -> list[Pointer]:
    gone: list[Pointer] = [
        ("weights", r) for r in layout.value["weights"] if r not in traffic.weights
    ]
    return gone if traffic.shadow or "shadow" not in layout.value else [*gone, ("shadow",)]


def _own_lines(document: Document, lines: list[str], pointer: Pointer) -> set[int]:
    first = document.keys[pointer].start.line
    return set(range(first, _last_line(document, lines, pointer) + 1))


def _beside(document: Document, lines: list[str], pointer: Pointer) -> set[int]:
    """The lines from the end of the entry before to the begin of the one after, for the commas."""
    parent = document.values[pointer[:-1]]
    if lines[parent.start.line - 1][parent.start.column - 1] != "{":
        return set()
    keys = sorted(
        (at for at in document.keys if at[:-1] == pointer[:-1]),
        key=lambda at: document.keys[at].start,
    )
    index = keys.index(pointer)
    first = _last_line(document, lines, keys[index - 1]) if index else parent.start.line
    last = document.keys[keys[index + 1]].start.line if keys[index + 1 :] else parent.end.line
    return set(range(first, last + 1))


def _promised(layout: Layout, document: Document, traffic: Traffic) -> Iterator[int]:
    """The lines of the old text that an edit may change."""
    lines = layout.text.split("\n")
    for pointer in _removed(layout, traffic):
        yield from _own_lines(document, lines, pointer) | _beside(document, lines, pointer)
    old = layout.value["weights"]
    for release in traffic.weights.keys() & old.keys():
        if traffic.weights[release] != old[release]:
            yield document.at("weights", release).line
    if traffic.stable != layout.value["stable"]:
        yield document.at("stable").line
    if traffic.weights.keys() - old.keys():
        yield from (_last_line(document, lines, ("weights", release)) for release in old)


@THOROUGH
@given(layouts(), TRAFFIC)
def test_an_edit_means_what_was_asked(layout: Layout, traffic: Traffic) -> None:
    """Fields, releases, their order and every other value are as wanted, to both readers."""
    result = with_traffic(_read(layout.text), layout.text, traffic)

    wanted = json.dumps(_wanted(layout.value, traffic))
    assert wanted == json.dumps(_read(result).value)
    assert wanted == json.dumps(yaml.safe_load(result))


@THOROUGH
@given(layouts(), TRAFFIC)
def test_comments_stay(layout: Layout, traffic: Traffic) -> None:
    """Every comment is there once, in its order, unless it stood on a line of a removed entry."""
    document, lines = _read(layout.text), layout.text.split("\n")
    gone: set[int] = set()
    for pointer in _removed(layout, traffic):
        gone |= _own_lines(document, lines, pointer)
    result = with_traffic(document, layout.text, traffic)

    must_stay = [
        comment
        for number, line in enumerate(lines, 1)
        if number not in gone
        for comment in re.findall(r"# c[0-9]+\..*", line.rstrip("\r"))
    ]
    found = [re.search(r"# c[0-9]+\..*", line.rstrip("\r")) for line in result.split("\n")]
    kept = [match[0] for match in found if match]
    assert must_stay == [comment for comment in kept if comment in must_stay]
    assert set(kept) <= set(re.findall(r"# c[0-9]+\.[^\r\n]*", layout.text))


@THOROUGH
@given(layouts(), TRAFFIC)
def test_only_promised_lines_differ(layout: Layout, traffic: Traffic) -> None:
    """Every other line is there, byte for byte and in its order, line ends included."""
    promised = set(_promised(layout, _read(layout.text), traffic))
    old = layout.text.splitlines(keepends=True)
    result = with_traffic(_read(layout.text), layout.text, traffic).splitlines(keepends=True)

    kept = [line for number, line in enumerate(old, 1) if number not in promised]
    found = iter(result)
    assert all(line in found or line == old[-1] for line in kept)
    assert {"\r\n" if "\r\n" in layout.text else "\n"} >= {
        line[len(line.rstrip("\r\n")) :] for line, _ in pairwise(result)
    }


@THOROUGH
@given(layouts())
def test_the_same_traffic_is_the_same_text(layout: Layout) -> None:
    """Asking for what is there changes no byte."""
    traffic = Traffic(layout.value["stable"], layout.value["weights"])

    assert layout.text == with_traffic(_read(layout.text), layout.text, traffic)
