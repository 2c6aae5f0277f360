"""Reading a nested object of unknown shape, with errors that name the place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelctl.local.plan.values import PlanError


@dataclass(frozen=True, slots=True)
class Field:
    """A value inside a rendered object, the path of its file, and where it stands there.

    `at` is like `spec.rules[0]`. Every method that reads the value raises `PlanError`, with both,
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

    def whole(self, default: int | None = None) -> int:
        """The value as an integer of at least 0, or `default` where it is absent."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.error("a whole number of at least 0")
        return self.value

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The entries of a mapping of strings, sorted; none where the field is absent."""
        if self.value is not None and not isinstance(self.value, Mapping):
            raise self.error("a mapping")
        return tuple(sorted((str(key), self.get(key).text()) for key in self.value or ()))

    def refuse(self, *keys: str) -> None:
        """Fail on a key that the local engine does not implement."""
        for key in keys:
            if self.get(key).value is not None:
                at = f"{self.at}.{key}".removeprefix(".")
                raise PlanError(f"{self.path}: {at} is set, which `modelctl up` cannot run")

    def error(self, expected: str) -> PlanError:
        """The error for a value of the wrong kind."""
        return PlanError(f"{self.path}: {self.at} must be {expected}, found {self.value!r:.80}")
