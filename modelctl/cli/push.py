"""`modelctl push`: bring the files of releases to where an environment reads them."""

import argparse

from modelctl.cli import names, stores
from modelctl.cli.parser import Parser
from modelctl.cli.values import release
from modelctl.errors import UsageError
from modelctl.repo.repository import ModelFiles
from modelctl.store.needs import Need, needs


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="default: every model that is served there"
    )
    parser.add_argument("--env", required=True, help="environment whose store gets the files")
    parser.add_argument(
        "--release",
        type=release,
        metavar="RELEASE",
        help="of one MODEL, whether it serves there or not; default: those that serve there",
    )


def run(arguments: argparse.Namespace) -> int:
    """Upload what is missing, verify all of it, and say what was done.

    Raises:
        StoreError: A file is nowhere to be had, or the store refuses.
    """
    delivery, repository = stores.opened()
    names.refuse_unknown_environment(repository, arguments.env)
    environment = repository.environments.get(arguments.env)
    assert environment is not None  # noqa: S101 - refused above
    wanted = [
        need
        for files in stores.asked(repository, arguments.models)
        for need in _needs(files, arguments)
    ]
    count = stores.carried(wanted, lambda need: delivery.push(need, environment))
    found = f"{count} file{'' if count == 1 else 's'}"
    print(f"{arguments.env} finds {found} where it reads them, verified" + _next(arguments, count))
    return 0


def _needs(files: ModelFiles, arguments: argparse.Namespace) -> list[Need]:
    if arguments.release:
        if len(arguments.models) != 1:
            raise UsageError("--release is of one MODEL: name it")
        names.refuse_unknown_release(files, arguments.release)
        return needs(files, [arguments.release])
    serving = files.servings.get(arguments.env)
    if serving:
        return needs(files, [key for key in serving.deployed if key in files.releases])
    # Who names a model that does not serve there yet means its newest release.
    return needs(files, list(files.releases)[-1:] if arguments.models else [])


def _next(arguments: argparse.Namespace, count: int) -> str:
    if not count:
        return ": no release serves there; name a MODEL to bring its newest one"
    model = arguments.models[0] if arguments.models else "MODEL"
    return f"; next: `modelctl promote {model} --from ENV --to {arguments.env}`"
