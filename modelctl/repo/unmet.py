"""The keywords of a JSON Schema that a value does not meet, as jsonschema finds them.

Import it where there is something to find: jsonschema takes longer to load than a model to check.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from modelctl.finding import Pointer
from modelctl.repo.validity import end_of_text


@dataclass(frozen=True, slots=True)
class Unmet:
    """One keyword of a schema that a value does not meet; `schema` is the part that has it."""

    keyword: str
    bound: Any
    instance: Any
    schema: Mapping[str, Any]
    pointer: Pointer
    on_key: bool


def unmet(schema: Mapping[str, Any], value: object) -> Iterator[Unmet]:
    """Every keyword of a schema that a value does not meet, in the order of jsonschema."""
    for error in validator(schema).iter_errors(value):
        yield Unmet(
            keyword=str(error.validator),
            bound=error.validator_value,
            instance=error.instance,
            schema=error.schema if isinstance(error.schema, Mapping) else {},
            pointer=tuple(error.absolute_path),
            on_key="propertyNames" in error.absolute_schema_path,
        )


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """The validator of a schema, with keywords as they are meant here."""
    made: Draft202012Validator = _Validator(schema)
    return made


def _is_integer(_: object, instance: object) -> bool:
    # 95.0 and 9.5e+1 are no integers here: Kubernetes refuses them where an integer belongs.
    return isinstance(instance, int) and not isinstance(instance, bool)


def _pattern(
    _: object, pattern: str, instance: object, __: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.search(end_of_text(pattern), instance):
        yield ValidationError("pattern")


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
