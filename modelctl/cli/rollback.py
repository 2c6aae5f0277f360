"""`modelctl rollback`: give all traffic back to the release that had it before."""

import argparse
import time
from pathlib import Path

from modelctl.cli import editing, names
from modelctl.cli.parser import Parser
from modelctl.cli.values import release
from modelctl.edit import transaction
from modelctl.edit.rollback import Rollback, plan_rollback
from modelctl.errors import NeverServedError, UsageError
from modelctl.local.running import is_ready
from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree

_LOOK_S = 0.5  # between two looks at the engine's status file
_WAIT_S = 600.0  # as long as a Deployment may take to make progress


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    editing.configure(parser)
    parser.add_argument(
        "--to", type=release, metavar="RELEASE", help="another release than the one before"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--wait",
        action="store_true",
        help="with --commit: where the release has to start first, wait for it and go on",
    )
    how.add_argument(
        "--now", action="store_true", help="send the traffic at once, even if nothing runs yet"
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="with --wait: the engine's state directory"
    )
    parser.goes_with("--state", "--wait", "it says whose engine is waited for")
    parser.goes_with("--wait", "--commit", "what is not committed is never served")


def run(arguments: argparse.Namespace) -> int:
    """Write or commit the next step of the way back; with `--wait` every step."""
    root = git.top_level(Path.cwd())
    step = _step(arguments, root)
    if step.warms and arguments.wait:
        _wait(arguments, root, step.release)
        step = _step(arguments, root)
    arguments.warms = step.warms  # then the next step has been told already
    return 0


def _step(arguments: argparse.Namespace, root: Path) -> Rollback:
    pair = (arguments.model, arguments.env)
    with transaction.only_writer(root) as mended:
        editing.say(mended)
        tree = WorkTree(root)
        try:
            step = plan_rollback(root, tree, pair, to=arguments.to, at_once=arguments.now)
        except NeverServedError as error:
            raise names.unserved(load(tree).model(arguments.model), arguments.env) from error
        editing.apply(arguments, root, step.changes, _subject(arguments, step))
    _tell(arguments, step)
    return step


def _subject(arguments: argparse.Namespace, step: Rollback) -> str:
    if step.warms:
        return f"apps/{arguments.model}: Start {step.release} in {arguments.env} to roll back"
    return f"apps/{arguments.model}: Roll back to {step.release} in {arguments.env}"


def _tell(arguments: argparse.Namespace, step: Rollback) -> None:
    if step.restored_from:
        print(
            f"note: today's typed files do not give what ran, so these are the bytes of "
            f"{step.restored_from}. Run `modelctl check` and mend what it finds"
        )
    where = f"{arguments.model} in {arguments.env}"
    if step.warms:
        print(
            f"next: {step.release} does not run yet, so it starts first, without traffic. When it "
            f"is ready, run the same command again; nothing of {where} has been rolled back so far"
        )
    if step.is_cold:
        print(
            f"warning: {step.release} does not run yet: until its servers are ready, requests to "
            f"{where} are answered with 503"
        )


def _wait(arguments: argparse.Namespace, root: Path, release: str) -> None:
    """Wait until the engine on this machine says that the release is ready."""
    state = arguments.state or root / ".modelctl"
    end = time.monotonic() + _WAIT_S
    while (ready := is_ready(state, arguments.model, release, arguments.env)) is False:
        if time.monotonic() > end:
            raise UsageError(
                f"{release} is not ready after {_WAIT_S:.0f} s: `modelctl status` says why; "
                "--now rolls back without it"
            )
        time.sleep(_LOOK_S)
    if ready is None:
        raise UsageError(
            f"no `modelctl up` runs {arguments.env} here, so --wait cannot see it: when Argo CD "
            f"shows {release} as Healthy, run the same command again without --wait"
        )
