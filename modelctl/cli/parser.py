"""The parser of a command's arguments: none is swallowed, each refusal is a `UsageError`."""

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from typing import NoReturn

from modelctl.errors import UsageError
from modelctl.nearest import hint

_NEGATIVE_NUMBER = re.compile(r"-\d+|-\d*\.\d+")


class Parser(argparse.ArgumentParser):
    """Refuses what argparse lets pass for all commands at once.

    A blank word, an abbreviated option, an option that is given twice, the same value twice in a
    list, and an option whose partner is missing.
    """

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self._partners: list[tuple[str, str, str]] = []

    @property
    def declared(self) -> tuple[dict[str, argparse.Action], list[argparse.Action]]:
        """The options by name, and the other arguments in their order."""
        return dict(self._option_string_actions), self._get_positional_actions()

    def goes_with(self, option: str, partner: str, why: str) -> None:
        """Refuse an option where another is not given."""
        self._partners.append((option, partner, why))

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments in the words of a command line.

        Raises:
            UsageError: A word is blank, unknown, repeated, malformed or without its partner.
        """
        self._refuse_blank(words)
        given = list(self._options(words))
        self._refuse_repeated(given)
        for option, partner, why in self._partners:
            if option in given and partner not in given:
                self.error(f"found {option} without {partner}, expected both: {why}")
        found, extra = self.parse_known_intermixed_args(words)
        if extra:
            self.error(f"found {extra[0]!r}, expected no further argument")
        self._refuse_twice_in_a_list(found)
        return found

    def error(self, message: str) -> NoReturn:
        """Raise argparse's own complaint as a `UsageError`."""
        raise UsageError(f"{message.removeprefix('argument ')} (see `{self.prog} --help`)")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            choices = list(map(str, action.choices))
            words = f"found {value!r}, expected {' or '.join(choices)}: {hint(str(value), choices)}"
            raise argparse.ArgumentError(action, words)

    def _refuse_blank(self, words: Sequence[str]) -> None:
        for before, word in pairwise(("", *words)):
            name, _, value = word.partition("=")
            if name in self._option_string_actions and "=" in word and not value.strip():
                self.error(f"{name}: found an empty value, expected one, or no {name} at all")
            if not word.strip():
                place = f"{before}: " if before in self._option_string_actions else ""
                self.error(f"{place}found an empty argument, expected a value, or none at all")

    def _options(self, words: Sequence[str]) -> Iterator[str]:
        """The name of each option in the words; one that is not known is refused."""
        known = self._option_string_actions
        for word in takewhile(lambda word: word != "--", words):
            name = word.partition("=")[0]
            if name in known:
                yield name
            elif name.startswith("-") and name != "-" and not self._is_value(name):
                self.error(f"found the option {name}, expected a known one: {hint(name, known)}")

    @staticmethod
    def _is_value(word: str) -> bool:
        """Whether argparse takes a word that begins with a hyphen for a value."""
        return " " in word or _NEGATIVE_NUMBER.fullmatch(word) is not None

    def _refuse_repeated(self, given: Sequence[str]) -> None:
        for name, count in Counter(given).items():
            if count > 1 and not isinstance(self.get_default(self._dest(name)), list):
                self.error(f"{name}: found it {count} times, expected it once")

    def _dest(self, option: str) -> str:
        return self._option_string_actions[option].dest

    def _refuse_twice_in_a_list(self, found: argparse.Namespace) -> None:
        for action in self._actions:
            values = getattr(found, action.dest, None)
            if isinstance(values, list):
                keys = Counter(value[0] if isinstance(value, tuple) else value for value in values)
                for key, count in keys.items():
                    if count > 1:
                        name = "/".join(action.option_strings) or str(action.metavar)
                        self.error(f"{name}: found {key} {count} times, expected it once")
