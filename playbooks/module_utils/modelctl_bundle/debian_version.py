"""The order of Debian's versions."""

from __future__ import annotations

import functools
import re

_RELATIONS = {
    "<<": {-1},
    "<=": {-1, 0},
    "<": {-1, 0},
    "=": {0},
    ">=": {0, 1},
    ">": {0, 1},
    ">>": {1},
}


def compare(left: str, right: str) -> int:
    """-1, 0 or 1 as `left` is older than, equal to or newer than `right`.

    Source: https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
    """
    one, other = _split(left), _split(right)
    return (one > other) - (one < other)


def satisfies(version: str, relation: str, wanted: str) -> bool:
    """Whether `version` stands in a control file's relation (`>=`, `<<`, …) to `wanted`."""
    return compare(version, wanted) in _RELATIONS[relation]


order = functools.cmp_to_key(compare)


def _split(version: str) -> tuple[int, list[tuple[int, ...]], list[tuple[int, ...]]]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return int(epoch) if epoch.isdigit() else 0, _parts(upstream), _parts(revision)


def _parts(text: str) -> list[tuple[int, ...]]:
    """Alternating weights of non-digits and numbers, so that lists compare as policy says.

    A tilde sorts before the end of a part, the end before letters, letters before the rest.
    """
    parts: list[tuple[int, ...]] = []
    for letters, digits in re.findall(r"(\D*)(\d*)", text):
        if letters or digits or not parts:
            parts.append((*map(_weight, letters), 0))
            parts.append((int(digits or 0),))
    return [*parts, (0,)]


def _weight(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256
