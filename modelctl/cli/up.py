"""`modelctl up`: run an environment of a repository on this machine, from its commits."""

import argparse
import logging
import sys
from importlib.util import find_spec
from pathlib import Path

from modelctl.cli.values import port
from modelctl.errors import UsageError
from modelctl.local.options import Options
from modelctl.local.state import default_state
from modelctl.local.up import run as serve
from modelctl.status.values import Addresses


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--env", default="local", help="environment to run (default: local)")
    parser.add_argument(
        "--repo", default=".", metavar="PATH|URL", help="repository to follow (default: this one)"
    )
    followed = parser.add_mutually_exclusive_group()
    followed.add_argument("--ref", help="branch to follow (default: the one checked out)")
    followed.add_argument(
        "--worktree", action="store_true", help="run the files on disk, committed or not"
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="state directory (default: .modelctl)"
    )
    parser.add_argument(
        "--port", type=port, default=8080, help="predictions (default: 8080; 0: any free port)"
    )
    parser.add_argument(
        "--status-port", type=port, default=8081, help="status page (default: 8081; 0: any)"
    )
    parser.add_argument(
        "--replace", action="store_true", help="take over from the one that runs, without a gap"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted.

    Raises:
        UsageError: The model server is not installed beside this program.
    """
    if find_spec("modelserver") is None:
        raise UsageError(
            "found no model server, expected the package modelserver in this environment: "
            "pip install it from serving/ of modelctl's repository"
        )
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s"
    )
    return serve(
        Options(
            repository=arguments.repo,
            state=arguments.state or default_state(),
            environment=arguments.env,
            ref=arguments.ref,
            worktree=arguments.worktree,
            port=arguments.port,
            status_port=arguments.status_port,
            announce=_announce,
            replace=arguments.replace,
        )
    )


def _announce(addresses: Addresses) -> None:
    print(f"following   {addresses.source}, environment {addresses.environment}")
    print(f"predictions {addresses.traffic}/v2/models/<model>/infer")
    print(f"status page {addresses.page}", flush=True)
