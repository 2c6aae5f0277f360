"""`modelctl team add`: a team more, and what Argo CD lets it do."""

import argparse

from modelctl.cli import adding, editing, names
from modelctl.cli.parser import Parser
from modelctl.cli.values import text
from modelctl.edit import additions
from modelctl.repo import layout
from modelctl.repo.repository import Repository

_FIELDS = ("teams", "teams", 0)


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=("add",), help="what to do")
    parser.add_argument(
        "name", type=text(*_FIELDS, "name"), metavar="NAME", help="name of the new team"
    )
    parser.add_argument(
        "--group", action="append", type=text(*_FIELDS, "groups", 0), default=[], metavar="GROUP",
        help="group of the identity provider that it is; default: its name",
    )  # fmt: skip
    parser.add_argument(
        "--description", type=text(*_FIELDS, "description"), help="what it does, in a sentence"
    )
    parser.add_argument(
        "--env", action="append", default=[],
        help="environment of Argo CD that it serves in; default: all",
    )  # fmt: skip
    editing.add_commit(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the team, its projects and namespaces."""
    team = additions.NewTeam(
        arguments.name,
        tuple(arguments.group) or (arguments.name,),
        arguments.description or "",
        tuple(arguments.env),
    )

    def refuse(repository: Repository) -> None:
        for environment in team.environments:
            names.refuse_unknown_environment(repository, environment)

    new = adding.Item(layout.TEAMS, "teams", team.name, additions.team_lines(team))
    return adding.add(arguments, new, f"argocd: Add the team {team.name}", refuse)
