"""The command line: one table of commands, one place that turns errors into exit codes."""

import argparse
import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Protocol

from modelctl.cli import ending
from modelctl.cli.modules import module_of
from modelctl.cli.parser import Parser
from modelctl.errors import ModelctlError, UsageError
from modelctl.nearest import hint

_PURPOSE = "Put ONNX models into production by git."
_EXIT_CODES = (
    "Exit codes: 0 done, 1 findings or refused, 2 could not run, 130 interrupted. "
    f"{ending.TRACEBACK}=1 shows where an error comes from."
)
# In the order of a model's life; each is a module of `modelctl.cli`, loaded when it is asked for.
COMMANDS: Mapping[str, str] = {
    "init": "begin a repository of one's own, with CI, one team and the environment `local`",
    "new": "start a model from an ONNX file, which is tried: contract, memory, golden file",
    "release": "add a release: from an ONNX file, or the latest one with another image or place",
    "import": "start a model from what KServe, Seldon, MLServer, Triton or MLflow say of it",
    "package": "make a release of a model of any format: convert, prove, quantise, prune",
    "check": "validate every model, release and environment; exit 1 on errors",
    "diff": "show what a change does once it is merged: traffic, restarts, pods, the way back",
    "explain": "print the page of a rule: what it does, why, a bad and a good example",
    "rules": "list every rule that `check` holds",
    "render": "write every generated file; --check only compares",
    "shift": "change the weights of a model in an environment; r3=0 introduces a release",
    "promote": "give a release all traffic and make it stable, or bring it to an environment",
    "push": "upload what releases need to where an environment reads it, and verify it",
    "pull": "bring what releases need from an environment's store to this machine",
    "retire": "stop running a release that has no traffic; its file stays",
    "remove": "take a model out of an environment, or away, in two steps where it serves",
    "rollback": "give all traffic back to the release that had it before, whatever is broken",
    "history": "show which releases served with which weights, and since which commit",
    "up": "serve an environment on this machine from the commits of a branch",
    "down": "end what `modelctl up` runs, or has left running when it was killed",
    "status": "show what an environment serves: sync, health, weights in git and live, restarts",
    "logs": "print what the servers of a model say; -f goes on with what is added",
    "predict": "ask a model that `modelctl up` serves, and print its answer",
    "list": "list models with owner and weights in each environment, as git says",
    "get": "print what the files say of a model, a release, the environments or the teams",
    "doctor": "look at everything that commands need: git, server, ports, disk, hooks, CI",
    "team": "add a team that owns models: its projects and namespaces are rendered",
    "environment": "add an environment, a laptop's or one of Argo CD's, last in promotion order",
    "completion": "print what makes a shell complete commands, models and releases",
    "open": "open the status page of `modelctl up` in a browser, or print its address",
}
# Commands that run until they are stopped.
LASTING = frozenset({"logs", "up"})
# What a command needs beyond the package's own dependencies.
EXTRAS: Mapping[str, str] = {"up": "local", "down": "local"}


class Command(Protocol):
    """What a command module offers."""

    def configure(self, parser: Parser) -> None:
        """Add the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; gives the exit code."""


def command(name: str) -> Command:
    """The module of a command.

    Raises:
        ModelctlError: A module that the command needs is not installed.
    """
    try:
        module: Command = module_of(name)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("modelctl"):
            raise
        package = f"modelctl[{EXTRAS[name]}]" if name in EXTRAS else "modelctl"
        raise ModelctlError(
            f"found no module {error.name}, which `modelctl {name}` needs: pip install '{package}'"
        ) from error
    return module


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; gives 0 done, 1 refused or findings, 2 could not run, 130 interrupted."""
    try:
        ending.prepare_output()
        exit_code = _run(sys.argv[1:] if words is None else words)
        sys.stdout.flush()  # at Python's end it would be too late to say that the disk is full
    except BaseException as error:  # noqa: BLE001 - the outermost handler
        return ending.tell(error)
    return exit_code


def _run(words: Sequence[str]) -> int:
    name = words[0] if words else ""
    try:
        if name not in COMMANDS:
            return _overview(words)
        module, parser = command(name), Parser(f"modelctl {name}", COMMANDS[name])
        parser.set_defaults(commands=tuple(COMMANDS))  # `completion` offers them
        module.configure(parser)
        with nullcontext() if name in LASTING else _uncollected():
            arguments = parser.read(words[1:])
            exit_code = module.run(arguments)
            if exit_code == 0:
                _tell_next_step(name, arguments)
            return exit_code
    except SystemExit as done:  # argparse has printed help
        return int(done.code or 0)


def _tell_next_step(name: str, arguments: argparse.Namespace) -> None:
    from modelctl.cli.next_steps import tell  # noqa: PLC0415 - what it reads is loaded by now

    tell(name, arguments)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let garbage lie until the command ends: to look for it is a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _overview(words: Sequence[str]) -> int:
    """Print what there is, if the words ask for help; else they do not begin with a command."""
    if words and words[0] in ("-h", "--help"):
        parser = argparse.ArgumentParser("modelctl", description=_PURPOSE, epilog=_EXIT_CODES)
        parser.add_argument(
            "-V", "--version", action="store_true", help="print the version and exit"
        )
        listed = parser.add_subparsers(metavar="COMMAND")
        for name, summary in COMMANDS.items():
            listed.add_parser(name, help=summary)
        parser.print_help()
        return 0
    if words and words[0] in ("-V", "--version"):
        metadata = import_module("importlib.metadata")  # it takes as long as a whole command
        sys.stdout.write(f"modelctl {metadata.version('modelctl')}\n")
        return 0
    found = f"the command {words[0]!r}" if words else "no command"
    near = hint(words[0] if words else "", COMMANDS, otherwise="`modelctl --help` lists them")
    raise UsageError(f"found {found}, expected one of modelctl: {near}")


if __name__ == "__main__":
    sys.exit(main())
