"""The JSON Schema pass: each violation becomes a finding with its place and its remedy.

A schema may name, under `x-rules`, the rule that a violation of one of its keywords belongs to;
everything else is `schema-valid`. Under `x-expected` it says in words what its pattern, or its
choice, asks for, under `x-remedy` what to do about any violation, where an example does not help.
"""

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelctl.finding import Finding, Pointer
from modelctl.repo import remedies, validity
from modelctl.repo.documents import Document

if TYPE_CHECKING:
    from modelctl.repo.unmet import Unmet

RULE = "schema-valid"
_PACKAGE = Path(__file__).resolve().parents[1]
# A wheel carries them inside the package; in a checkout they lie where typed files name them.
_IN_WHEEL = _PACKAGE / "schemas"
FOLDER = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent / "schemas"
KINDS = ("model", "release", "serving", "environments", "teams")
_SHOWN_CHARACTERS = 60  # of a value in a message
_MAX_VIOLATIONS = 100  # of one file; whoever has more mends those first
_IN_WORDS = frozenset({"anyOf", "pattern"})  # keywords that only words can tell


@cache
def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of one of `KINDS`."""
    loaded: dict[str, Any] = json.loads((FOLDER / f"{kind}.schema.json").read_text("utf-8"))
    return loaded


def part(kind: str, pointer: Pointer) -> Mapping[str, Any]:
    """The part of a kind's schema that describes the value at a pointer of a valid document."""
    whole = node = schema(kind)
    for step in pointer:
        others = node.get("additionalProperties")
        node = (
            node["items"] if isinstance(step, int) else node.get("properties", {}).get(step, others)
        )
        if "$ref" in node:
            node = whole["$defs"][node["$ref"].rpartition("/")[2]]
    return node


@cache
def _holds(kind: str) -> validity.Holds:
    return validity.compiled(schema(kind), schema(kind))


def violations(kind: str, document: Document) -> list[Finding]:
    """Every violation of the kind's schema in a document, each once, sorted; the first hundred."""
    if _holds(kind)(document.value):
        return []
    errors = list(islice(_unmet(schema(kind), document.value), _MAX_VIOLATIONS))
    mistyped = {error.pointer for error in errors if error.keyword == "type"}
    # A value of the wrong type breaks its other bounds as well: that is one fault, not three.
    told = (e for e in errors if e.keyword == "type" or e.on_key or e.pointer not in mistyped)
    findings = {finding for error in told for finding in _findings(document, error)}
    return sorted(findings)[:_MAX_VIOLATIONS]


def fault(kind: str, field: Pointer, value: object) -> str | None:
    """What is wrong with a value of one field of a kind, in a finding's words; None if nothing."""
    bounds = part(kind, field)
    errors = () if validity.compiled(bounds, schema(kind))(value) else _unmet(bounds, value)
    told = (f"found {_shown(e.instance)}, {_expected(e)} ({_example_remedy(e)})" for e in errors)
    return next(told, None)


def _unmet(part: Mapping[str, Any], value: object) -> "Iterator[Unmet]":
    from modelctl.repo.unmet import unmet  # noqa: PLC0415 - only what is wrong needs jsonschema

    return unmet(part, value)


def _rule(error: "Unmet", key: str = "") -> str:
    """The rule that a violation belongs to, or that of one key of a keyword."""
    name = f"{error.keyword}:{key}" if key else error.keyword
    rule: str = error.schema.get("x-rules", {}).get(name, RULE)
    return rule


def _findings(document: Document, error: "Unmet") -> Iterator[Finding]:
    if error.keyword == "required":
        yield from _missing_keys(document, error)
    elif error.keyword == "additionalProperties":
        yield from _unknown_keys(document, error)
    elif error.on_key:
        yield _bad_key(document, error)
    else:
        message = f"{_at(error)}found {_shown(error.instance)}, {_expected(error)}"
        position = document.at(*error.pointer)
        yield Finding(document.path, position, _rule(error), message, _example_remedy(error))


def _missing_keys(document: Document, error: "Unmet") -> Iterator[Finding]:
    position = document.at_key(*error.pointer)
    unknown = _unknown(error)
    for key in error.bound:
        if key not in error.instance and not difflib.get_close_matches(key, unknown, n=1):
            message = f"{_at(error)}found no {key}, expected one"
            about = _properties(error).get(key, {}).get("description", "").rstrip(".")
            remedy = f"add `{key}`: {about}" if about else f"add `{key}`"
            yield Finding(document.path, position, _rule(error, key), message, remedy)


def _unknown_keys(document: Document, error: "Unmet") -> Iterator[Finding]:
    known = list(_properties(error))
    for key in _unknown(error):
        near = difflib.get_close_matches(key, known, n=1)
        remedy = f"did you mean {near[0]}?" if near else "remove it"
        message = f"{_at(error)}found the unknown field {_shown(key)}, expected {_one_of(known)}"
        position = document.at_key(*error.pointer, key)
        yield Finding(document.path, position, RULE, message, remedy)


def _properties(error: "Unmet") -> Mapping[str, Any]:
    """The fields that the part of the schema describes; none where it only demands some."""
    fields: Mapping[str, Any] = error.schema.get("properties", {})
    return fields


def _unknown(error: "Unmet") -> list[str]:
    known = _properties(error)
    return list(islice((key for key in error.instance if key not in known), _MAX_VIOLATIONS))


def _bad_key(document: Document, error: "Unmet") -> Finding:
    position = document.at_key(*error.pointer, error.instance)
    message = f"{_at(error)}found the key {_shown(error.instance)}, {_expected(error)}"
    return Finding(document.path, position, RULE, message, "rename it")


def _at(error: "Unmet") -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.pointer)
    name = "".join(parts).removeprefix(".")
    return f"{_cut(name)}: " if name else ""


def _shown(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _expected(error: "Unmet") -> str:
    if error.keyword in _IN_WORDS and "x-expected" in error.schema:
        return f"expected {error.schema['x-expected']}"
    describe = _EXPECTED.get(error.keyword)
    return f"expected {describe(error.bound) if describe else f'{error.keyword} to hold'}"


def _one_of(values: Sequence[object]) -> str:
    return "one of " * bool(values[1:]) + ", ".join(map(str, values))


_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
_EXPECTED: dict[str, Callable[[Any], str]] = {
    "type": lambda name: _TYPES[name],
    "enum": _one_of,
    "pattern": lambda pattern: f"text like {pattern}",
    "minimum": lambda bound: f"at least {bound}",
    "maximum": lambda bound: f"at most {bound}",
    "exclusiveMinimum": lambda bound: f"more than {bound}",
    "minLength": lambda bound: f"at least {bound} characters",
    "maxLength": lambda bound: f"at most {bound} characters",
    "minItems": lambda bound: f"at least {bound} items",
    "maxItems": lambda bound: f"at most {bound} items",
    "minProperties": lambda bound: f"at least {bound} entries",
    "maxProperties": lambda bound: f"at most {bound} entries",
    "oneOf": lambda _: "one form of the schema, and no other with it",
    "uniqueItems": lambda _: "no item twice",
}


def _example_remedy(error: "Unmet") -> str:
    return remedies.remedy(error.keyword, error.instance, error.schema)
