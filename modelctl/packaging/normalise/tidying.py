"""What says something of the machine that made a file, and nothing of the model, is removed.

Exporters leave stack traces with the names of people's folders at every node.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from modelctl.packaging.normalise import walking

_Proto = Any  # protobuf messages carry no types here

_Text = tuple[_Proto, str, str]
"""A message with a text, the field (of properties with the key after a point), and the text."""

_PATH = re.compile(
    r"(?:^|[\s\"'=(:])(?:/(?:home|Users|root|tmp|mnt|workspace|usr|opt|var|data)/|[A-Za-z]:\\)"
    r"|File \""
)
_ABOVE_ALL = frozenset({"ModelProto", "GraphProto"})


def of_paths(model: _Proto) -> list[str]:
    """Remove texts that name places on a machine."""
    texts = [each for each in _texts(model) if _PATH.search(each[2])]
    return _removed(texts, "paths on the machine of")


def apply(model: _Proto) -> list[str]:
    """Remove doc strings, and notes of exporters; what the model says of itself as a whole stays.

    That are its description, and its own properties, such as names of classes.
    """
    texts = [each for each in _texts(model) if each[0].DESCRIPTOR.name not in _ABOVE_ALL]
    return _removed(texts, "doc strings and notes of")


def _texts(model: _Proto) -> list[_Text]:
    return [text for message in walking.every(model) for text in _texts_of(message)]


def _texts_of(message: _Proto) -> Iterator[_Text]:
    names = message.DESCRIPTOR.fields_by_name
    for field in ("doc_string", "producer_name"):
        if field in names and getattr(message, field):
            yield message, field, getattr(message, field)
    for entry in message.metadata_props if "metadata_props" in names else ():
        yield message, f"metadata_props.{entry.key}", entry.value


def _removed(texts: Sequence[_Text], what: str) -> list[str]:
    for message, field, _ in texts:
        name, _, key = field.partition(".")
        if key or name == "metadata_props":
            kept = [entry for entry in message.metadata_props if entry.key != key]
            del message.metadata_props[:]
            message.metadata_props.extend(kept)
        else:
            message.ClearField(name)
    return [f"{what} the exporter were removed from {len(texts)} places"] * bool(texts)
