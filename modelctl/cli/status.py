"""`modelctl status`: what an environment serves, and whether that is what git says."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelctl.cli import names
from modelctl.errors import ModelctlError, UsageError
from modelctl.local.running import ask
from modelctl.local.state import StateFolder, default_state
from modelctl.repo import git
from modelctl.repo.kinds import Environment, GitSource
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from modelctl.status.event import printable
from modelctl.status.text import lines
from modelctl.status.values import encode

Json = Mapping[str, Any]

EXIT_WELL = 0
EXIT_NOT_WELL = 1
EXIT_NOT_KNOWN = 2

_EXTRA = "modelctl[cluster]"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--env", help="environment to show (default: what `modelctl up` serves)")
    parser.add_argument("--context", help="context of its cluster (default: the current one)")
    parser.add_argument(
        "--kubeconfig", metavar="FILE", help="where contexts are (default: as for kubectl)"
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="state directory (default: .modelctl)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print what the environment serves now; 0 if all is Synced and Healthy, 1 if not.

    2 where nobody says so: nothing runs, or what runs does not answer.
    """
    status, fault, is_running = _asked(arguments)
    well = status.get("well") is True
    if arguments.format == "json":
        told = {**status, **({"fault": fault} if fault else {})}
        # In ASCII, so that it is the same JSON whatever the terminal's encoding lacks.
        print(json.dumps({**told, "running": is_running, "well": well}, indent=1))
    else:
        print("\n".join(map(printable, fault.splitlines()) if fault else lines(status)))
    if fault:
        return EXIT_NOT_KNOWN
    return EXIT_WELL if well else EXIT_NOT_WELL


def _asked(arguments: argparse.Namespace) -> tuple[Json, str, bool]:
    """The status, or why there is none, and whether anything answers."""
    if arguments.env is None:
        if arguments.context or arguments.kubeconfig:
            raise UsageError("found --context or --kubeconfig without --env, expected both")
        return _laptop(arguments)
    root = git.top_level(Path.cwd())
    repository = load(WorkTree(root))
    names.refuse_unknown_environment(repository, arguments.env)
    environment = repository.environments.get(arguments.env)
    if environment is None or environment.engine == "local":
        return _laptop(arguments)
    if arguments.state:
        raise UsageError(
            f"found --state with {environment.name}, expected none: a cluster serves it"
        )
    try:
        return _cluster(arguments, root, environment, repository.environments.source), "", True
    except ModelctlError as error:
        return {}, str(error), False


def _laptop(arguments: argparse.Namespace) -> tuple[Json, str, bool]:
    """What the engine on a state folder says, if it serves the environment that is meant."""
    if arguments.context or arguments.kubeconfig:
        raise UsageError(
            f"found --context or --kubeconfig with {arguments.env}, expected neither: `modelctl "
            "up` serves that environment, and it has no cluster"
        )
    folder = StateFolder((arguments.state or default_state()).resolve())
    answer = ask(folder)
    served = answer.status.get("addresses", {}).get("environment")
    if arguments.env and not answer.fault and served != arguments.env:
        fault = (
            f"found `modelctl up` on {folder.root} with the environment {served}, expected "
            f"{arguments.env}: start that with `modelctl up --env {arguments.env}`, or choose "
            "another --state"
        )
        return {}, fault, answer.is_running
    return answer.status, answer.fault, answer.is_running


def _cluster(
    arguments: argparse.Namespace, root: Path, environment: Environment, source: GitSource
) -> Json:
    """What the cluster of an environment has, beside what git says.

    Raises:
        ModelctlError: It cannot be read, or the package that reads it is not installed.
    """
    try:
        from modelctl.cluster.reading import read  # noqa: PLC0415 - an extra, a second to import
    except ModuleNotFoundError as error:
        if str(error.name).startswith("modelctl"):
            raise
        raise ModelctlError(
            f"found no module {error.name}, which `modelctl status` needs for {environment.name}, "
            f"as Argo CD serves it: pip install '{_EXTRA}'"
        ) from error
    where = {"kubeconfig": arguments.kubeconfig, "context": arguments.context}
    told: Json = json.loads(encode(read(root, environment, source, **where).to_json()))
    return told
