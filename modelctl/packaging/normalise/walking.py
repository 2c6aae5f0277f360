"""Every part of a model, however deep it lies in graphs and functions.

Fields of plain values, such as the weights, are not looked at: that would copy them.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

_Proto = Any  # protobuf messages carry no types here


def every(model: _Proto) -> Iterator[_Proto]:
    """Each message, the model first."""
    pending = [model]
    while pending:
        message = pending.pop()
        yield message
        for name, is_repeated in _children(message.DESCRIPTOR):
            if is_repeated:
                pending.extend(getattr(message, name))
            elif message.HasField(name):
                pending.append(getattr(message, name))


def messages(model: _Proto, kind: str) -> Iterator[_Proto]:
    """Each message of that kind, such as `TensorProto`."""
    return (message for message in every(model) if message.DESCRIPTOR.name == kind)


@cache
def _children(descriptor: Any) -> tuple[tuple[str, bool], ...]:  # noqa: ANN401 - of protobuf
    """The fields that hold messages, and whether they hold several."""
    return tuple(
        (field.name, field.is_repeated)
        for field in descriptor.fields
        if field.message_type is not None
    )
