"""Fields of a manifest, taken one by one: what nobody took is what was not carried over."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from modelctl.errors import UsageError

_KINDS = {str: "text", int: "a whole number", float: "a number", list: "a list", dict: "fields"}


class Fields:
    """A mapping read from outside; each field that is taken is gone from what is left."""

    def __init__(self, value: object, where: str = "") -> None:
        self._left: dict[str, Any] = copy.deepcopy(self._of_kind(value, dict, where or "it"))
        self._where = where

    def within(self, *names: str) -> "Fields":
        """The fields below a name; none where it is absent. What is taken there is taken here."""
        inner = self
        for name in names:
            inner = inner._inner(name)
        return inner

    def every(self, name: str) -> "list[Fields]":
        """The members of a list of mappings, or the one mapping that stands in its place."""
        place = self._path(name)
        value = self._left.get(name)
        if isinstance(value, dict):
            return [self._sharing(value, place)]
        members = self._of_kind([] if value is None else value, list, place)
        return [
            self._sharing(self._of_kind(member, dict, f"{place}[{index}]"), f"{place}[{index}]")
            for index, member in enumerate(members)
        ]

    def has(self, name: str) -> bool:
        """Whether a field is there and not yet taken."""
        return self._left.get(name) is not None

    def peek(self, name: str) -> Any:  # noqa: ANN401 - whatever the file holds
        """The value of a field, which stays; None where it is absent."""
        return self._left.get(name)

    def take(self, name: str) -> Any:  # noqa: ANN401 - whatever the file holds
        """The value of a field, or None."""
        return self._left.pop(name, None)

    def text(self, name: str) -> str | None:
        """Text, or None where the field is absent.

        Raises:
            UsageError: The field is something else.
        """
        value = self.take(name)
        return None if value is None else str(self._of_kind(value, str, self._path(name)))

    def integer(self, name: str) -> int | None:
        """A whole number, or None where the field is absent; digits in quotes are one.

        Raises:
            UsageError: The field is something else.
        """
        value = self.take(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        return None if value is None else int(self._of_kind(value, int, self._path(name)))

    def number(self, name: str) -> float | None:
        """A number, or None where the field is absent.

        Raises:
            UsageError: The field is something else.
        """
        value = self.take(name)
        if value is None:
            return None
        kind = int if isinstance(value, int) else float
        return float(self._of_kind(value, kind, self._path(name)))

    def sizes(self, name: str) -> list[int]:
        """Whole numbers; none where the field is absent.

        Raises:
            UsageError: The field is something else.
        """
        place, value = self._path(name), self.take(name)
        if value is None:
            return []
        members = value if isinstance(value, list) else [value]
        return [int(self._of_kind(member, int, place)) for member in members]

    def left(self) -> list[str]:
        """The path of each field that has not been taken, in order."""
        return list(_leaves(self._left, self._where))

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._left))

    def _inner(self, name: str) -> "Fields":
        value = self._left.get(name)
        if value is None:
            return self._sharing({}, self._path(name))
        return self._sharing(self._of_kind(value, dict, self._path(name)), self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    @staticmethod
    def _sharing(value: dict[str, Any], where: str) -> "Fields":
        fields = Fields({}, where)
        fields._left = value
        return fields

    @staticmethod
    def _of_kind(value: object, kind: type, where: str) -> Any:  # noqa: ANN401 - of that kind
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise UsageError(
                f"{where}: found {str(value)[:40]!r}, expected {_KINDS.get(kind, kind.__name__)}"
            )
        return value


def _leaves(value: object, where: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{where}.{name}" if where else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{where}[{index}]")
    elif value is not None:
        yield where
