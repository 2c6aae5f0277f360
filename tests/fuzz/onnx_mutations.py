"""ONNX files that are nearly right: seeded mutations of their messages and of their bytes."""

import random
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from onnx import ModelProto

from tests import onnx_models as made
from tests.fuzz.yaml_mutations import with_other_bytes

ODD_INTEGERS = (0, -1, 1, 2, 7, 8, 13, 17, 25, 99, 127, 2**31 - 1, -(2**31))
ODD_TEXTS = ("", "x", "y", "x" * 300, "é", "a/b", "ai.onnx", "com.microsoft", "Relu", "If", "N")
_LARGE = (2**63 - 1, -(2**63), 2**40)


def samples() -> list[bytes]:
    """Small models with a part of everything: branches, loops, functions, sparse tensors."""
    models = (
        made.model(made.RELU),
        made.model(made.ADD, tensors=[made.tensor("w", [4])]),
        made.branching(made.graph([made.node("Relu", "x", "t")], made.T)),
        made.looping(made.LOOPED, made.LOOP_OUTPUTS, made.LOOP_INPUTS),
        made.called(made.function("F", [made.BODY])),
        made.chain(5),
        made.sparse(),
    )
    return [made.content_of(model) for model in models]


def mutated(chance: random.Random, content: bytes) -> bytes:
    """A file after one to three mutations."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        is_of_bytes = chance.random() < 0.2
        content = (with_other_bytes if is_of_bytes else with_other_field)(chance, content)
    return content


def with_other_field(chance: random.Random, content: bytes) -> bytes:
    """The file with one field of one message changed; other bytes where it is no model."""
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # noqa: BLE001 - each build of protobuf has its own error
        return with_other_bytes(chance, content)
    messages = list(_messages(model))
    message = chance.choice(messages)
    fields = message.DESCRIPTOR.fields
    set_fields = [field for field, _ in message.ListFields()]
    field = chance.choice(set_fields or fields) if chance.random() < 0.8 else chance.choice(fields)
    _change(chance, message, field, messages)
    try:
        changed: bytes = model.SerializeToString()
    except Exception:  # noqa: BLE001 - nested too deep to be written
        return with_other_bytes(chance, content)
    return changed


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if _is_many(field) else (value,):
                yield from _messages(inner)


def _is_many(field: Any) -> bool:  # noqa: ANN401 - a descriptor
    repeated: bool = field.is_repeated
    return repeated


def _change(chance: random.Random, message: Message, field: Any, pool: list[Message]) -> None:  # noqa: ANN401
    """Clear a field, repeat or drop its items, or put in another value."""
    kind = chance.randrange(5)
    if kind == 0:
        message.ClearField(field.name)
    elif field.message_type is not None:
        _change_message(chance, message, field, pool)
    elif _is_many(field):
        values = getattr(message, field.name)
        if kind == 1 and values:
            del values[chance.randrange(len(values))]
        else:
            values.extend([_odd(chance, field)] * chance.choice((1, 1, 3, 1000)))
    else:
        setattr(message, field.name, _odd(chance, field))


def _change_message(
    chance: random.Random,
    message: Message,
    field: Any,  # noqa: ANN401 - a descriptor
    pool: list[Message],
) -> None:
    """Put a message that another place has into this one, or drop an item."""
    fitting = [
        other for other in pool if other.DESCRIPTOR.full_name == field.message_type.full_name
    ]
    chosen = chance.choice(fitting) if fitting else None
    copy = None
    if chosen is not None:
        copy = type(chosen)()
        copy.CopyFrom(chosen)
    value = getattr(message, field.name)
    if not _is_many(field):
        value.CopyFrom(copy) if copy is not None else value.SetInParent()
    elif chance.random() < 0.4 and value:
        del value[chance.randrange(len(value))]
    elif copy is None:
        value.add()
    else:
        value.extend([copy] * chance.choice((1, 1, 2, 50)))


def _odd(chance: random.Random, field: Any) -> object:  # noqa: ANN401 - a descriptor
    """A value that the type of the field can hold."""
    kind = field.cpp_type
    if kind == field.CPPTYPE_STRING:
        text = chance.choice(ODD_TEXTS)
        return text.encode() if field.type == field.TYPE_BYTES else text
    if kind in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return chance.choice((0.0, -1.0, 1e30, float("nan"), float("inf")))
    if kind == field.CPPTYPE_INT64:
        return chance.choice(ODD_INTEGERS + _LARGE)
    if kind == field.CPPTYPE_ENUM:
        return chance.choice([each.number for each in field.enum_type.values])
    number = chance.choice(ODD_INTEGERS)
    return abs(number) % 2**31 if kind in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64) else number
