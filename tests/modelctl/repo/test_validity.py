"""The quick answer is that of jsonschema: a yes means no error, and valid files get one."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.repo import schema
from modelctl.repo.documents import parse
from modelctl.repo.layout import place
from modelctl.repo.unmet import validator
from modelctl.repo.validity import compiled
from scratch import PROJECT

Draw = Callable[..., Any]

_NUMBERS = st.integers(-3, 120) | st.sampled_from([0.5, 1.0, 95.0, -1.5, 1e300, 10**17])
_TEXTS = st.sampled_from(["", "r1", "r1\n", "cpu", "FP32", "a b", "r0", "x" * 300, "https://a/"])
_SCALARS = st.none() | st.booleans() | _NUMBERS | _TEXTS
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3)
)
_EACH: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, -1, 0.5, 1.0, 2.0, 1.5e300, 10**17),
    *("", "a", "ab", "r1", "r1\n", "xr1", "aaa"),
    *([], [1], [1, 1], [1, True], ["a", 1, "a"], ["a", "b"], [[1], [1]], [{"a": 1}, {}]),
    *({}, {"a": 1}, {"b": "a"}, {"a": "a", "b": 1}, {"a": {"a": 1}}, {"r1": [1]}, {"c": None}),
)
_NUMBER, _ANY = (int, float), tuple({type(each) for each in _EACH})
_TEXT = {"type": "string"}
# Parts of a schema, by the types of value that their keywords are meant for.
_PARTS: dict[tuple[type, ...], list[dict[str, Any]]] = {
    _ANY: [
        *({"type": name} for name in ("array", "boolean", "integer", "number", "object", "string")),
        {"$ref": "#/$defs/number"},
        {"description": "says nothing", "x-rules": {"type": "a-rule"}},
    ],
    (str,): [
        *({"enum": names} for names in (["a"], ["r1", "aaa"])),
        *({"pattern": pattern} for pattern in ("^r[1-9][0-9]*$", "a", "^$", "1$")),
        *({"minLength": 1}, {"minLength": 2}, {"maxLength": 1}, {"maxLength": 2}),
    ],
    _NUMBER: [
        *({keyword: 1} for keyword in ("minimum", "maximum", "exclusiveMinimum")),
        *({keyword: 0.5} for keyword in ("minimum", "maximum", "exclusiveMinimum")),
    ],
    (list,): [
        *({"minItems": 1}, {"minItems": 2}, {"maxItems": 1}, {"maxItems": 2}),
        *({"uniqueItems": True}, {"uniqueItems": False}),
        *({"items": {"type": "integer"}}, {"items": _TEXT | {"minLength": 1}}),
    ],
    (dict,): [
        *({"minProperties": 1}, {"minProperties": 2}, {"maxProperties": 1}, {"maxProperties": 0}),
        *({"required": names} for names in ([], ["a"], ["a", "b"])),
        *({"properties": {}}, {"properties": {"a": {"type": "integer"}}}),
        {"properties": {"a": {"type": "object", "required": ["a"]}}},
        *({"additionalProperties": each} for each in (True, False, {"type": "integer"})),
        *({"properties": {"a": {}}, "additionalProperties": each} for each in (False, _TEXT)),
        *({"propertyNames": {"maxLength": 1}}, {"propertyNames": {"pattern": "^[ab]$"}}),
    ],
}


@cache
def _samples(kind: str) -> list[Any]:
    """The values of the project's own files of a kind."""
    files = [*PROJECT.glob("apps/**/*.yaml"), *PROJECT.glob("argocd/*.yaml")]
    names = {file: str(file.relative_to(PROJECT)) for file in files}
    own = [file for file, name in names.items() if place(name).kind.value == kind]
    parsed = [parse(names[file], file.read_bytes())[0] for file in own]
    return [document.value for document in parsed if document is not None]


def _spoiled(draw: Draw, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with one thing in it replaced, added or removed."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        return value | {key: _spoiled(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _spoiled(draw, value[at]), *value[at + 1 :]]
    if isinstance(value, dict) and draw(st.booleans()):
        gone = draw(st.sampled_from([*sorted(value), ""]))
        kept = {key: each for key, each in value.items() if key != gone}
        return kept if gone else kept | {draw(_TEXTS): draw(_VALUES)}
    if isinstance(value, list) and draw(st.booleans()):
        return [*value, draw(_VALUES), *value[:1]][: draw(st.integers(0, len(value) + 2))]
    return draw(_VALUES)


@pytest.mark.parametrize("kind", schema.KINDS)
def test_valid_files_are_admitted_at_once(kind: str) -> None:
    """Every keyword of our schemas is known, so that no valid file needs jsonschema."""
    holds = compiled(schema.schema(kind), schema.schema(kind))

    assert _samples(kind)
    assert all(map(holds, _samples(kind)))


@pytest.mark.parametrize("kind", schema.KINDS)
@given(data=st.data())
def test_a_spoiled_file_gets_the_answer_of_jsonschema(kind: str, data: st.DataObject) -> None:
    """For any value near a valid one the two agree, yes or no."""
    whole = schema.schema(kind)
    value = data.draw(st.sampled_from(_samples(kind)))
    for _ in range(data.draw(st.integers(1, 2))):
        value = _spoiled(data.draw, value)

    assert validator(whole).is_valid(value) == compiled(whole, whole)(value)


@pytest.mark.parametrize(
    ("types", "part"), [(types, part) for types, parts in _PARTS.items() for part in parts]
)
def test_a_keyword_means_what_it_means_to_jsonschema(
    types: tuple[type, ...], part: dict[str, Any]
) -> None:
    """A value gets a yes where it is of a type that the keyword is for, and has no error."""
    whole = part | {"$defs": {"number": {"type": "number"}}}
    expected = [type(each) in types and validator(whole).is_valid(each) for each in _EACH]

    assert expected == [compiled(whole, whole)(each) for each in _EACH]


def test_an_unknown_keyword_is_left_to_jsonschema() -> None:
    """What the table does not know is never met here."""
    whole = {"type": "integer", "multipleOf": 1}

    assert not any(map(compiled(whole, whole), _EACH))
