"""The JSON Schema pass: each violation becomes a finding with its place and its remedy.

A schema may name, under `x-rules`, the rule that a violation of one of its keywords belongs to;
everything else is `schema-valid`.
"""

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from modelctl.documents import Document, Pointer
from modelctl.finding import Finding

RULE = "schema-valid"
FOLDER = Path(__file__).resolve().parent.parent / "schemas"
KINDS = ("model", "release", "serving", "environments")
_SHOWN_CHARACTERS = 60


@cache
def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of one of `KINDS`."""
    loaded: dict[str, Any] = json.loads((FOLDER / f"{kind}.schema.json").read_text("utf-8"))
    return loaded


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(schema(kind))


@dataclass(frozen=True, slots=True)
class _Violation:
    """One keyword of a schema that an instance does not meet."""

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
    """Every violation of the kind's schema in a document, each once, sorted."""
    errors = map(_violation, _validator(kind).iter_errors(document.value))
    return sorted({finding for error in errors for finding in _findings(document, error)})


def _violation(error: ValidationError) -> _Violation:
    schema_of = error.schema if isinstance(error.schema, Mapping) else {}
    return _Violation(
        keyword=str(error.validator),
        bound=error.validator_value,
        instance=error.instance,
        schema=schema_of,
        pointer=tuple(error.absolute_path),
        on_key="propertyNames" in error.absolute_schema_path,
    )


def _findings(document: Document, error: _Violation) -> Iterator[Finding]:
    if error.keyword == "required":
        yield from _missing_keys(document, error)
    elif error.keyword == "additionalProperties":
        yield from _unknown_keys(document, error)
    elif error.on_key:
        yield _bad_key(document, error)
    else:
        message = f"{_name(error.pointer)}: found {_shown(error.instance)}, {_expected(error)}"
        place = document.at(*error.pointer)
        yield Finding(document.path, place, error.rule(), message, _example_remedy(error))


def _missing_keys(document: Document, error: _Violation) -> Iterator[Finding]:
    place = document.at_key(*error.pointer)
    for key in error.bound:
        if key not in error.instance:
            message = f"{_name(error.pointer)}: found no {key}, expected one"
            about = error.schema["properties"][key].get("description", "")
            yield Finding(document.path, place, error.rule(key), message, f"add {key}: {about}")


def _unknown_keys(document: Document, error: _Violation) -> Iterator[Finding]:
    known = list(error.schema["properties"])
    for key in error.instance:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            message = f"{_name(error.pointer)}: found the unknown field {_shown(key)}"
            place = document.at_key(*error.pointer, key)
            yield Finding(document.path, place, RULE, message, remedy)


def _bad_key(document: Document, error: _Violation) -> Finding:
    place = document.at_key(*error.pointer, error.instance)
    message = f"{_name(error.pointer)}: found the key {_shown(error.instance)}, {_expected(error)}"
    return Finding(document.path, place, RULE, message, "rename it")


def _name(pointer: Pointer) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in pointer)
    return text.removeprefix(".") or "file"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _expected(error: _Violation) -> str:
    describe = _EXPECTED.get(error.keyword)
    return f"expected {describe(error.bound) if describe else f'{error.keyword} to hold'}"


def _one_of(values: list[object]) -> str:
    return "one of " + ", ".join(map(str, values))


_EXPECTED: dict[str, Callable[[Any], str]] = {
    "type": lambda name: f"{'an' if name[0] in 'aio' else 'a'} {name}",
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


def _example_remedy(error: _Violation) -> str:
    examples = error.schema.get("examples")
    return f"for example {_shown(examples[0])}" if examples else "see schemas/README.md"
