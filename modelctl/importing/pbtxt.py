"""Protobuf's text format, read without a schema: every field is there, known or not.

Source: https://protobuf.dev/reference/protobuf/textformat-spec
"""

import re
from typing import Any

from modelctl.errors import UsageError

_ENDS = {"{": "}", "<": ">"}
_INTEGER = re.compile(r"-?(0x[0-9a-fA-F]+|[0-9]+)")
_MOST_NESTED = 50  # messages; a configuration has five

_Tokens = Any  # google.protobuf.text_format.Tokenizer carries no types


def read(text: str, where: str) -> dict[str, Any]:
    """The fields of a message: scalars, messages as mappings, repeated ones as lists.

    A field that stands there once is no list, whatever its schema says.

    Raises:
        UsageError: The text is not of that format; the message has line and column.
    """
    from google.protobuf import text_format  # noqa: PLC0415 - comes with onnx; few commands need it

    try:
        return _message(text_format.Tokenizer(text.split("\n")), "", 0)
    except text_format.ParseError as error:
        raise UsageError(f"{where}:{error}") from error


def _message(tokens: _Tokens, end: str, depth: int) -> dict[str, Any]:
    if depth > _MOST_NESTED:
        raise tokens.ParseError(f"found more than {_MOST_NESTED} messages within each other")
    fields: dict[str, Any] = {}
    while not (tokens.TryConsume(end) if end else tokens.AtEnd()):
        name = tokens.ConsumeIdentifier()
        values = _values(tokens, depth)
        if not values:
            fields.setdefault(name, [])  # said to be empty, which is not the same as not said
        for value in values:
            _add(fields, name, value)
        tokens.TryConsume(",") or tokens.TryConsume(";")
    return fields


def _values(tokens: _Tokens, depth: int) -> list[Any]:
    """The values of a field: one, or those of a list; the colon may be missing before messages."""
    has_colon = tokens.TryConsume(":")
    if not tokens.TryConsume("["):
        return [_value(tokens, depth, may_be_scalar=has_colon)]
    values: list[Any] = []
    while not tokens.TryConsume("]"):
        if values:
            tokens.Consume(",")
            if tokens.TryConsume("]"):  # a comma after the last one, which Triton takes too
                break
        values.append(_value(tokens, depth, may_be_scalar=has_colon))
    return values


def _value(tokens: _Tokens, depth: int, *, may_be_scalar: bool) -> Any:  # noqa: ANN401 - any kind
    for start, end in _ENDS.items():
        if tokens.TryConsume(start):
            return _message(tokens, end, depth + 1)
    if not may_be_scalar:
        raise tokens.ParseError("found no colon, expected one before a value")
    if tokens.token[:1] in ("'", '"'):
        return tokens.ConsumeString()
    if _is_number(tokens.token):
        return (
            tokens.ConsumeInteger() if _INTEGER.fullmatch(tokens.token) else tokens.ConsumeFloat()
        )
    return tokens.ConsumeIdentifier()


def _is_number(token: str) -> bool:
    return token[:1] in set("+-.0123456789")


def _add(fields: dict[str, Any], name: str, value: Any) -> None:  # noqa: ANN401 - any kind
    if name not in fields:
        fields[name] = value
    elif isinstance(fields[name], list):
        fields[name].append(value)
    else:
        fields[name] = [fields[name], value]
