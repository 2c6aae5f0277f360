"""The command line: one table of commands, one place that turns errors into exit codes."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

from modelctl.errors import EditRefusedError, ModelctlError

EXIT_FINDINGS = 1
EXIT_COULD_NOT_RUN = 2

# In the order of a model's life; each is a module of `modelctl.cli`.
COMMANDS = (
    "new",
    "release",
    "check",
    "explain",
    "rules",
    "render",
    "shift",
    "promote",
    "retire",
    "rollback",
    "history",
    "up",
    "status",
)


class Command(Protocol):
    """What a command module offers."""

    SUMMARY: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the exit code."""


def command(name: str) -> Command:
    """The module of a command; loaded only when it is asked for, so that each starts fast."""
    module: Command = import_module(f"modelctl.cli.{name}")
    return module


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The argument parser of every command, or of one."""
    top = argparse.ArgumentParser(
        prog="modelctl", description="Put ONNX models into production by git."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in (only,) if only else COMMANDS:
        module = command(name)
        one = commands.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
        module.configure(one)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 refused or findings, 2 could not run."""
    words = sys.argv[1:] if words is None else words
    only = words[0] if words and words[0] in COMMANDS else None
    arguments = parser(only).parse_args(words)
    try:
        return command(arguments.command).run(arguments)
    except EditRefusedError as error:
        print(f"modelctl: refused: {error}", file=sys.stderr)  # noqa: T201 - the outermost handler
        return EXIT_FINDINGS
    except ModelctlError as error:
        print(f"modelctl: {error}", file=sys.stderr)  # noqa: T201 - the outermost handler
        return EXIT_COULD_NOT_RUN
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; Python would complain once more at exit
        return EXIT_COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
