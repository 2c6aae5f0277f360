"""The rules: one module each, in this table and nowhere else.

A rule module has `ID` (its slug), `LEVEL`, a docstring that is its manual page, and `check`.
"""

from collections.abc import Iterator
from typing import Protocol

from modelctl.finding import Finding, Level
from modelctl.repository import Repository
from modelctl.rules import weights_sum_100, yaml_strict


class Rule(Protocol):
    """What a rule module offers."""

    ID: str
    LEVEL: Level
    __doc__: str | None

    def check(self, repository: Repository) -> Iterator[Finding]:
        """Every violation in the repository; pure."""


RULES: tuple[Rule, ...] = (
    yaml_strict,
    weights_sum_100,
)
