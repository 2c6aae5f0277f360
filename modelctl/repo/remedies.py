"""What to write instead of a value that breaks a keyword of its JSON Schema."""

import difflib
import json
from collections.abc import Callable, Mapping
from typing import Any

_MAX_EXAMPLE_CHARACTERS = 60  # a longer example would hide the finding
_NEAR = 0.75  # of difflib, 0 to 1: cpu is not what somebody meant who wrote gpu
_Part = Mapping[str, Any]  # of a schema, which describes one value


def remedy(keyword: str, value: object, part: _Part) -> str:
    """The next step for a person, in a few words."""
    if "x-remedy" in part:
        return str(part["x-remedy"])
    words = _BY_KEYWORD.get(keyword, _by_example)
    return words(value, part) or _by_example(value, part)


def _by_example(_: object, part: _Part) -> str:
    shown = [json.dumps(each, ensure_ascii=False) for each in part.get("examples", ())]
    short = [each for each in shown if len(each) <= _MAX_EXAMPLE_CHARACTERS]
    return f"for example {short[0]}" if short else "see schemas/README.md"


def _typed(value: object, part: _Part) -> str:
    """How to write the value in the type that is wanted, where it is plainly meant; else empty."""
    wanted = part.get("type")
    if wanted == "string" and isinstance(value, int | float):
        return "put it in quotes"
    if wanted in ("integer", "number") and isinstance(value, str) and value.isdecimal():
        return f"write {int(value)} without quotes"
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    return ""


def _listed(value: object, part: _Part) -> str:
    known = [str(each) for each in part["enum"]]
    folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(str(value).casefold(), folded, n=1, cutoff=_NEAR)
    if near:
        return f"did you mean {folded[near[0]]}?"
    return "" if known[1:] else f"write {known[0]}"


def _bounded(_: object, part: _Part) -> str:
    low, above, most = (part.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    words = {"from": low, "above": above, "to" if above is None else "and at most": most}
    told = [f"{word} {bound}" for word, bound in words.items() if bound is not None]
    return f"write a number {' '.join(told)}"


_BY_KEYWORD: Mapping[str, Callable[[object, _Part], str]] = {
    "type": _typed,
    "enum": _listed,
    "minimum": _bounded,
    "exclusiveMinimum": _bounded,
    "maximum": _bounded,
    "maxLength": lambda *_: "shorten it",
    "uniqueItems": lambda *_: "keep each once",
    "maxItems": lambda *_: "remove some",
    "maxProperties": lambda *_: "remove some",
}
