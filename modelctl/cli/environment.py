"""`modelctl environment add`: an environment more, last in promotion order."""

import argparse

from modelctl.cli import adding, editing
from modelctl.cli.parser import Parser
from modelctl.cli.values import text
from modelctl.edit import additions
from modelctl.errors import UsageError
from modelctl.repo import layout
from modelctl.starter import files

_FIELDS = ("environments", "environments", 0)
_LAPTOP = "models.localhost"


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=("add",), help="what to do")
    parser.add_argument(
        "name", type=text(*_FIELDS, "name"), metavar="NAME", help="name of the new environment"
    )
    parser.add_argument(
        "--engine", choices=("argocd", "local"), default="argocd",
        help="who serves it: Argo CD in a cluster, or `modelctl up`; default: argocd",
    )  # fmt: skip
    parser.add_argument(
        "--hostname", type=text(*_FIELDS, "gateway", "hostname"), metavar="HOST",
        help="host name that callers use there",
    )  # fmt: skip
    parser.add_argument(
        "--registry", action="append", type=text(*_FIELDS, "registries", 0), default=[],
        metavar="HOST", help="registry that images may come from; default: every one",
    )  # fmt: skip
    parser.add_argument(
        "--store", type=text(*_FIELDS, "store"), metavar="URI",
        help="bucket, registry or share that artifacts are read from, such as s3://models/",
    )  # fmt: skip
    editing.add_commit(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the environment, and for Argo CD what models need in its cluster.

    Raises:
        UsageError: It is a cluster's, and nobody said by which name callers reach it.
    """
    is_local = arguments.engine == "local"
    hostname = arguments.hostname or (_LAPTOP if is_local else None)
    if hostname is None:
        raise UsageError(
            f"found no --hostname for {arguments.name}, expected the name that callers use, such "
            f"as models.{arguments.name}.acme.io"
        )
    environment = additions.NewEnvironment(
        arguments.name, hostname, arguments.engine, tuple(arguments.registry), arguments.store
    )
    lines = additions.environment_lines(environment)
    new = adding.Item(layout.ENVIRONMENTS, "environments", environment.name, lines)
    platform = {} if is_local else files.cluster_files(environment.name)
    subject = f"argocd: Add the environment {environment.name}"
    return adding.add(arguments, new, subject, beside=platform)
