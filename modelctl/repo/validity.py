"""Whether a value meets a JSON Schema: a quick yes or no, which is enough for most files.

It says yes only where jsonschema finds no error, and is many times faster. Keywords mean what
`schema.py` has jsonschema take them for; where one is not in the table below, or meets a type that
it is not meant for, the answer is no and jsonschema has to be asked.
"""

import re
from collections.abc import Callable, Mapping, Sized
from typing import Any

Holds = Callable[[Any], bool]  # whether a value meets what the function was made of
_Part = Mapping[str, Any]  # of a schema, which describes one value

# Keywords that refuse nothing.
_SILENT = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples"})
_TYPES: Mapping[str, frozenset[type]] = {
    "array": frozenset({list}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "object": frozenset({dict}),
    "string": frozenset({str}),
}


def compiled(part: _Part, whole: _Part) -> Holds:
    """The function that says whether a value meets a part of a whole schema."""
    told = [keyword for keyword in part if keyword not in _SILENT and keyword[:2] != "x-"]
    if not _KEYWORDS.keys() >= {*told}:
        return lambda _: False
    tests = tuple(_KEYWORDS[keyword](part[keyword], part, whole) for keyword in told)
    return lambda value: all(test(value) for test in tests)


def end_of_text(pattern: str) -> str:
    """A pattern whose last `$` matches as in ECMA 262: not before a line break at the end."""
    return pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern


def _type(name: str, *_: _Part) -> Holds:
    types = _TYPES[name]
    return lambda value: type(value) in types


def _enum(names: list[str], *_: _Part) -> Holds:
    return lambda value: type(value) is str and value in names


def _pattern(pattern: str, *_: _Part) -> Holds:
    search = re.compile(end_of_text(pattern)).search
    return lambda value: type(value) is str and search(value) is not None


def _unique(is_wanted: bool, *_: _Part) -> Holds:  # noqa: FBT001 - the keyword's own value
    return lambda v: type(v) is list and (not is_wanted or len(set(map(repr, v))) == len(v))


def _items(part: _Part, _: _Part, whole: _Part) -> Holds:
    holds = compiled(part, whole)
    return lambda value: type(value) is list and all(map(holds, value))


def _property_names(part: _Part, _: _Part, whole: _Part) -> Holds:
    holds = compiled(part, whole)
    return lambda value: type(value) is dict and all(map(holds, value))


def _properties(parts: Mapping[str, _Part], _: _Part, whole: _Part) -> Holds:
    known = {name: compiled(part, whole) for name, part in parts.items()}
    return lambda value: (
        type(value) is dict and all(known[key](v) for key, v in value.items() if key in known)
    )


def _additional(part: _Part | bool, around: _Part, whole: _Part) -> Holds:  # noqa: FBT001 - as above
    known = frozenset(around.get("properties", ()))
    if isinstance(part, bool):
        return lambda value: type(value) is dict and (part or value.keys() <= known)
    holds = compiled(part, whole)
    return lambda value: (
        type(value) is dict and all(holds(v) for key, v in value.items() if key not in known)
    )


def _required(names: list[str], *_: _Part) -> Holds:
    wanted = frozenset(names)
    return lambda value: type(value) is dict and value.keys() >= wanted


def _any_of(parts: list[_Part], _: _Part, whole: _Part) -> Holds:
    each = [compiled(part, whole) for part in parts]
    return lambda value: any(holds(value) for holds in each)


def _ref(name: str, _: _Part, whole: _Part) -> Holds:
    return compiled(whole["$defs"][name.removeprefix("#/$defs/")], whole)


def _size(kind: type[Sized], least: int = 0, most: float = float("inf")) -> Holds:
    return lambda value: isinstance(value, kind) and least <= len(value) <= most


def _bound(holds: Holds) -> Holds:
    numbers = _TYPES["number"]
    return lambda value: type(value) in numbers and holds(value)


_KEYWORDS: Mapping[str, Callable[[Any, _Part, _Part], Holds]] = {
    "$ref": _ref,
    "additionalProperties": _additional,
    "anyOf": _any_of,
    "enum": _enum,
    "exclusiveMinimum": lambda bound, *_: _bound(lambda value: bool(value > bound)),
    "items": _items,
    "maxItems": lambda bound, *_: _size(list, most=bound),
    "maxLength": lambda bound, *_: _size(str, most=bound),
    "maxProperties": lambda bound, *_: _size(dict, most=bound),
    "maximum": lambda bound, *_: _bound(lambda value: bool(value <= bound)),
    "minItems": lambda bound, *_: _size(list, bound),
    "minLength": lambda bound, *_: _size(str, bound),
    "minProperties": lambda bound, *_: _size(dict, bound),
    "minimum": lambda bound, *_: _bound(lambda value: bool(value >= bound)),
    "pattern": _pattern,
    "properties": _properties,
    "propertyNames": _property_names,
    "required": _required,
    "type": _type,
    "uniqueItems": _unique,
}
