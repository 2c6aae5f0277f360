"""Reading generated files of which a hand may have made anything: what has no sense is absent."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelctl.repo.documents import parse


def loaded(content: bytes) -> object:
    """The value of a file; None where it was broken by hand."""
    document, _ = parse("", content)
    return document.value if document else None


def value(found: object, *keys: str) -> object:
    """What `keys` lead to; None where anything has another shape."""
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def mappings(found: object, *keys: str) -> Iterator[Mapping[str, Any]]:
    """The mappings in the list that `keys` lead to; none where anything has another shape."""
    items = value(found, *keys)
    return (
        item for item in (items if isinstance(items, list) else ()) if isinstance(item, Mapping)
    )
