"""`modelctl pull`: bring the files of releases into this machine's store."""

import argparse

from modelctl.cli import names, stores
from modelctl.cli.parser import Parser
from modelctl.cli.values import release
from modelctl.errors import UsageError
from modelctl.repo.repository import ModelFiles
from modelctl.store import folder
from modelctl.store.needs import Need, needs


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: every model")
    parser.add_argument("--env", help="environment whose store has them; default: any")
    parser.add_argument(
        "--release", type=release, metavar="RELEASE", help="of one MODEL; default: those that serve"
    )


def run(arguments: argparse.Namespace) -> int:
    """Download what is missing, verified, and say what was done.

    Raises:
        StoreError: A file is nowhere to be had, or a store refuses.
    """
    delivery, repository = stores.opened()
    ordered = repository.environments.ordered
    if arguments.env:
        names.refuse_unknown_environment(repository, arguments.env)
    among = tuple(e for e in ordered if arguments.env in (None, e.name))
    wanted = [
        need
        for files in stores.asked(repository, arguments.models)
        for need in _needs(files, arguments)
        if need.is_addressed
    ]
    count = stores.carried(wanted, lambda need: delivery.pull(need, among))
    found = f"{count} file{'' if count == 1 else 's'} of the store"
    print(f"found {found} in {folder.of(delivery.root)}, verified; next: `modelctl up`")
    return 0


def _needs(files: ModelFiles, arguments: argparse.Namespace) -> list[Need]:
    if arguments.release:
        if len(arguments.models) != 1:
            raise UsageError("--release is of one MODEL: name it")
        names.refuse_unknown_release(files, arguments.release)
        return needs(files, [arguments.release])
    served = {
        key
        for environment, serving in files.served
        if arguments.env in (None, environment.name)
        for key in serving.deployed
    }
    return needs(files, [key for key in files.releases if key in served])
