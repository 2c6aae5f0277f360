"""Reading a nested object of unknown shape, with errors that name the file and the place."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from modelctl.errors import ModelctlError
from modelctl.nearest import hint
from modelctl.repo.quantities import amount

_DURATION = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class ObjectError(ModelctlError):
    """A rendered object is malformed, or asks for something that is not known here."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value inside a rendered object, the path of its file, and where it stands there.

    `at` is like `spec.rules[0]`. Every method that reads the value raises `ObjectError`, with both,
    if it is of another kind.
    """

    value: object
    path: str
    at: str = ""

    def get(self, *keys: str) -> "Field":
        """The field below `keys`; its value is None where any of them is absent."""
        field = self
        for key in keys:
            below = field.value.get(key) if isinstance(field.value, Mapping) else None
            field = Field(below, self.path, f"{field.at}.{key}".removeprefix("."))
        return field

    def only(self, *keys: str) -> "Field":
        """The same field, a mapping or absent, once it is sure to have no other keys."""
        if self.value is None:
            return self
        if not isinstance(self.value, Mapping):
            raise self.error("a mapping")
        for key in map(str, self.value):
            if key not in keys:
                at = f"{self.at}.{key}".removeprefix(".")
                raise ObjectError(f"{self.path}: {at} is not known here; {hint(key, keys)}")
        return self

    @property
    def is_set(self) -> bool:
        """Whether the field is there."""
        return self.value is not None

    def items(self) -> Iterator["Field"]:
        """The elements of a list; none where the field is absent."""
        if self.value is not None and not isinstance(self.value, list):
            raise self.error("a list")
        for index, value in enumerate(self.value or ()):
            yield Field(value, self.path, f"{self.at}[{index}]")

    def text(self) -> str:
        """The value as a string."""
        if not isinstance(self.value, str):
            raise self.error("a string")
        return self.value

    def text_or(self, default: str) -> str:
        """The value as a string, or `default` where it is absent."""
        return default if self.value is None else self.text()

    def word(self, *allowed: str, default: str | None = None) -> str:
        """The value as one of a few words, or `default` where it is absent."""
        found = self.value if self.value is not None else default
        if found not in allowed:
            raise self.error(" or ".join(allowed))
        return str(found)

    def matching(self, pattern: re.Pattern[str], expected: str) -> str:
        """The value as a string that matches the pattern as a whole."""
        if not pattern.fullmatch(self.text()):
            raise self.error(expected)
        return self.text()

    def whole(self, default: int | None = None) -> int:
        """The value as an integer of at least 0, or `default` where it is absent."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.error("a whole number of at least 0")
        return self.value

    def flag(self, *, default: bool) -> bool:
        """The value as a boolean, or `default` where it is absent."""
        found = default if self.value is None else self.value
        if not isinstance(found, bool):
            raise self.error("true or false")
        return found

    def seconds(self) -> float:
        """A duration of the Gateway API, such as `1m30s`."""
        if not _DURATION.fullmatch(self.text()):
            raise self.error("a duration such as 1m30s")
        parts = re.findall(r"([0-9]+)(ms|h|m|s)", self.text())
        return sum(int(number) * _UNITS_S[unit] for number, unit in parts)

    def quantity(self) -> int:
        """A quantity of bytes, such as `1Mi` or 4096."""
        try:
            return int(amount(str(self.value)))
        except ValueError:
            raise self.error("a quantity such as 1Mi") from None

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The entries of a mapping of strings, sorted; none where the field is absent."""
        if self.value is not None and not isinstance(self.value, Mapping):
            raise self.error("a mapping")
        return tuple(sorted((str(key), self.get(key).text()) for key in self.value or ()))

    def refuse(self, *keys: str) -> None:
        """Fail on a key that is not implemented here."""
        for key in keys:
            if self.get(key).value is not None:
                at = f"{self.at}.{key}".removeprefix(".")
                raise ObjectError(f"{self.path}: {at} is set, which `modelctl up` cannot run")

    def error(self, expected: str) -> ObjectError:
        """The error for a value of the wrong kind."""
        found = "none" if self.value is None else f"{self.value!r:.80}"
        return ObjectError(f"{self.path}: {self.at} must be {expected}, found {found}")


def parse(path: str, content: bytes) -> Field:
    """The object in one rendered file.

    Raises:
        ObjectError: The file is no YAML, or holds no mapping.
    """
    try:
        document = yaml.load(content, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ObjectError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(document, Mapping):
        raise ObjectError(f"{path}: must hold one Kubernetes object")
    return Field(document, path)
