"""The JSON Schema pass: each violation becomes a finding with its place and its remedy.

A schema may name, under `x-rules`, the rule that a violation of one of its keywords belongs to;
everything else is `schema-valid`. Under `x-expected` it says in words what its pattern asks for,
under `x-remedy` what to do about any violation, where an example would not help.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from modelctl.finding import Finding, Pointer
from modelctl.repo import remedies
from modelctl.repo.documents import Document

RULE = "schema-valid"
_PACKAGE = Path(__file__).resolve().parents[1]
# A wheel carries them inside the package; in a checkout they lie where typed files name them.
_IN_WHEEL = _PACKAGE / "schemas"
FOLDER = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent / "schemas"
KINDS = ("model", "release", "serving", "environments")
_SHOWN_CHARACTERS = 60  # of a value in a message
_MAX_VIOLATIONS = 100  # of one file; whoever has more mends those first


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


def _is_integer(_: object, instance: object) -> bool:
    # 95.0 and 9.5e+1 are no integers here: Kubernetes refuses them where an integer belongs.
    return isinstance(instance, int) and not isinstance(instance, bool)


def _pattern(
    _: object, pattern: str, instance: object, __: Mapping[str, Any]
) -> Iterator[ValidationError]:
    # ECMA 262 knows only the end of the text as `$`; Python's also matches before a line break.
    if isinstance(instance, str) and not re.search(_end_of_text(pattern), instance):
        yield ValidationError("pattern")


def _end_of_text(pattern: str) -> str:
    return pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern


def _unique_items(
    _: object, unique: object, instance: object, __: Mapping[str, Any]
) -> Iterator[ValidationError]:
    # By text, so that a long list of mixed types costs no more than sorting it.
    if unique and isinstance(instance, list) and len(set(map(repr, instance))) < len(instance):
        yield ValidationError("uniqueItems")


_Validator = extend(  # type: ignore[no-untyped-call]  # the stubs leave it out
    Draft202012Validator,
    {"pattern": _pattern, "uniqueItems": _unique_items},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


@cache
def _validator(kind: str) -> Draft202012Validator:
    validator: Draft202012Validator = _Validator(schema(kind))
    return validator


@dataclass(frozen=True, slots=True)
class _Unmet:
    """One keyword of a schema that a value, or with `on_key` a key, does not meet."""

    keyword: str
    bound: Any
    instance: Any
    schema: Mapping[str, Any]
    pointer: Pointer
    on_key: bool

    def rule(self, key: str = "") -> str:
        name = f"{self.keyword}:{key}" if key else self.keyword
        rule: str = self.schema.get("x-rules", {}).get(name, RULE)
        return rule


def violations(kind: str, document: Document) -> list[Finding]:
    """Every violation of the kind's schema in a document, each once, sorted; the first hundred."""
    found = islice(_validator(kind).iter_errors(document.value), _MAX_VIOLATIONS)
    errors = [_unmet(error) for error in found]
    mistyped = {error.pointer for error in errors if error.keyword == "type"}
    # A value of the wrong type breaks its other bounds as well: that is one fault, not three.
    told = (e for e in errors if e.keyword == "type" or e.on_key or e.pointer not in mistyped)
    findings = {finding for error in told for finding in _findings(document, error)}
    return sorted(findings)[:_MAX_VIOLATIONS]


def fault(kind: str, field: Sequence[str], value: object) -> str | None:
    """What is wrong with a value of one field of a kind, in a finding's words; None if nothing."""
    part = schema(kind)
    for key in field:
        part = part["properties"][key]
    errors = map(_unmet, _Validator(part).iter_errors(value))
    told = (f"found {_shown(e.instance)}, {_expected(e)} ({_example_remedy(e)})" for e in errors)
    return next(told, None)


def _unmet(error: ValidationError) -> _Unmet:
    schema_of = error.schema if isinstance(error.schema, Mapping) else {}
    return _Unmet(
        keyword=str(error.validator),
        bound=error.validator_value,
        instance=error.instance,
        schema=schema_of,
        pointer=tuple(error.absolute_path),
        on_key="propertyNames" in error.absolute_schema_path,
    )


def _findings(document: Document, error: _Unmet) -> Iterator[Finding]:
    if error.keyword == "required":
        yield from _missing_keys(document, error)
    elif error.keyword == "additionalProperties":
        yield from _unknown_keys(document, error)
    elif error.on_key:
        yield _bad_key(document, error)
    else:
        message = f"{_at(error)}found {_shown(error.instance)}, {_expected(error)}"
        position = document.at(*error.pointer)
        yield Finding(document.path, position, error.rule(), message, _example_remedy(error))


def _missing_keys(document: Document, error: _Unmet) -> Iterator[Finding]:
    position = document.at_key(*error.pointer)
    unknown = _unknown(error)
    for key in error.bound:
        if key not in error.instance and not difflib.get_close_matches(key, unknown, n=1):
            message = f"{_at(error)}found no {key}, expected one"
            about = error.schema["properties"][key]["description"].rstrip(".")
            yield Finding(
                document.path, position, error.rule(key), message, f"add `{key}`: {about}"
            )


def _unknown_keys(document: Document, error: _Unmet) -> Iterator[Finding]:
    known = list(error.schema["properties"])
    for key in _unknown(error):
        near = difflib.get_close_matches(key, known, n=1)
        remedy = f"did you mean {near[0]}?" if near else "remove it"
        message = f"{_at(error)}found the unknown field {_shown(key)}, expected {_one_of(known)}"
        position = document.at_key(*error.pointer, key)
        yield Finding(document.path, position, RULE, message, remedy)


def _unknown(error: _Unmet) -> list[str]:
    known = error.schema["properties"]
    return list(islice((key for key in error.instance if key not in known), _MAX_VIOLATIONS))


def _bad_key(document: Document, error: _Unmet) -> Finding:
    position = document.at_key(*error.pointer, error.instance)
    message = f"{_at(error)}found the key {_shown(error.instance)}, {_expected(error)}"
    return Finding(document.path, position, RULE, message, "rename it")


def _at(error: _Unmet) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.pointer)
    name = "".join(parts).removeprefix(".")
    return f"{_cut(name)}: " if name else ""


def _shown(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _expected(error: _Unmet) -> str:
    if error.keyword == "pattern" and "x-expected" in error.schema:
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
    "uniqueItems": lambda _: "no item twice",
}


def _example_remedy(error: _Unmet) -> str:
    return remedies.remedy(error.keyword, error.instance, error.schema)
