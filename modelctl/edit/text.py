"""Edits of a serving file as text: the fewest characters change, comments and order stay.

Places come from the parsed document; the edited text is parsed again and must mean exactly what
was intended, or nothing is given back.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelctl.edit.entries import YamlText
from modelctl.errors import EditRefusedError
from modelctl.repo.documents import Document


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an edit may set: the stable release, every weight, and whether a shadow stays."""

    stable: str
    weights: Mapping[str, int]
    shadow: bool = True


def with_traffic(document: Document, text: str, traffic: Traffic) -> str:
    """The text of a serving file with other traffic; `text` is what `document` was parsed from.

    Raises:
        EditRefusedError: The file is written in a way that cannot be edited safely.
    """
    before = _fields(document)
    edited = YamlText(document, text)
    if before.get("stable") != traffic.stable:
        edited = edited.with_value(("stable",), traffic.stable)
    weights = before.get("weights", {})
    for release, weight in traffic.weights.items():
        if weights.get(release) != weight:
            edited = edited.with_value(("weights", release), str(weight))
    for release in weights:
        if release not in traffic.weights:
            edited = edited.without_entry(("weights", release))
    if not traffic.shadow and "shadow" in before:
        edited = edited.without_entry(("shadow",))
    _verify(before, edited.document, traffic)
    return edited.text


def _fields(document: Document) -> dict[str, Any]:
    return document.value if isinstance(document.value, dict) else {}


def _verify(before: dict[str, Any], after: Document, traffic: Traffic) -> None:
    """Refuse an edit that gives anything but what was there, in its order, with that traffic."""
    kept = {
        release: traffic.weights[release]
        for release in before["weights"]
        if release in traffic.weights
    }
    wanted = before | {"stable": traffic.stable, "weights": kept | dict(traffic.weights)}
    if not traffic.shadow:
        wanted.pop("shadow", None)
    # As text, because the order counts and because 1 is not true.
    if json.dumps(wanted) != json.dumps(_fields(after)):
        raise EditRefusedError(
            f"{after.path}: its layout cannot be edited safely; write by hand "
            f"stable: {traffic.stable} and weights: {dict(traffic.weights)}"
            + ("" if traffic.shadow else ", without shadow")
        )
