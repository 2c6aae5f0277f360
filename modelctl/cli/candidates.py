"""What may stand in place of the word that is being typed on a command line."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from modelctl.check.rules import RULES
from modelctl.cli.modules import module_of
from modelctl.cli.parser import Parser
from modelctl.errors import ModelctlError
from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import WorkTree

_KINDS = ("environments", "teams")  # what `get` knows beside models


def candidates(words: Sequence[str], commands: Iterable[str]) -> list[str]:
    """The words that begin with the last of `words` and may stand there; sorted.

    None where files are meant, or nothing can be said: a shell then completes file names.
    """
    *before, current = words
    if not before:
        return _beginning(current, [*commands, "--help", "--version"])
    if before[0] not in commands:
        return []
    try:
        parser = _parser(before[0])
        return _beginning(current, _expected(parser, before, current))
    except (ModelctlError, ModuleNotFoundError):
        return []


def _parser(command: str) -> Parser:
    parser = Parser(f"modelctl {command}", "")
    module_of(command).configure(parser)
    return parser


def _beginning(current: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word.startswith(current)})


def _expected(parser: Parser, before: Sequence[str], current: str) -> Iterable[str]:
    """Every word that may stand after those before, whatever is typed of it yet."""
    options, positionals = parser.declared
    name, sign, _ = current.partition("=")
    if sign and name in options:
        values = _values(options[name], [], current)
        return [f"{name}={value}" for value in values]
    previous = options.get(before[-1])
    if previous is not None and previous.nargs != 0:
        return _values(previous, _given(options, before[1:-1]), current)
    if current.startswith("-"):
        return [option for option in options if option.startswith("--")]
    given = _given(options, before[1:])
    if not positionals:
        return []
    place = min(len(given), len(positionals) - 1)
    action = positionals[place]
    is_full = len(given) > place and action.nargs not in ("*", "+")
    return [] if is_full else _values(action, given, current)


def _given(options: Mapping[str, argparse.Action], words: Sequence[str]) -> list[str]:
    """The words that are neither an option nor the value of one."""
    given, is_value = [], False
    for word in words:
        option = options.get(word.partition("=")[0])
        if not is_value and option is None:
            given.append(word)
        is_value = option is not None and option.nargs != 0 and "=" not in word
    return given


def _values(action: argparse.Action, given: Sequence[str], current: str) -> Iterable[str]:
    if action.choices is not None:
        return map(str, action.choices)
    named = str(action.metavar or action.dest.upper())
    values = _OF_A_REPOSITORY.get(named)
    is_new = named == "MODEL" and action.type is not None  # held to the schema, as no model has it
    if values is not None and not is_new:
        return values(load(WorkTree(git.top_level(Path.cwd()))), given, current)
    return [rule.ID for rule in RULES] if named == "RULE" else []


def _models(repository: Repository, _: Sequence[str], __: str) -> Iterable[str]:
    return repository.folders


def _environments(repository: Repository, _: Sequence[str], __: str) -> Iterable[str]:
    return [environment.name for environment in repository.environments.ordered]


def _teams(repository: Repository, _: Sequence[str], __: str) -> Iterable[str]:
    return [team.name for team in repository.teams.ordered]


def _releases(repository: Repository, given: Sequence[str], _: str) -> Iterable[str]:
    return repository.model(given[0]).releases if given else []


def _weights(repository: Repository, given: Sequence[str], current: str) -> Iterable[str]:
    return [f"{release}=" for release in _releases(repository, given, current)]


def _gettable(repository: Repository, _: Sequence[str], current: str) -> Iterable[str]:
    model, slash, _ = current.partition("/")
    if slash:
        return [f"{model}/{release}" for release in repository.model(model).releases]
    return [*repository.folders, *_KINDS]


# By what an argument is called in the help.
_OF_A_REPOSITORY: Mapping[str, Callable[[Repository, Sequence[str], str], Iterable[str]]] = {
    "MODEL": _models,
    "ENV": _environments,
    "TEAM": _teams,
    "RELEASE": _releases,
    "RELEASE=PERCENT": _weights,
    "MODEL[/RELEASE]|environments|teams": _gettable,
}
