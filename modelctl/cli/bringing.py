"""`modelctl promote MODEL --from ENV --to ENV`: bring a release to the next environment."""

import argparse
from pathlib import Path

from modelctl.cli import editing, names, stores
from modelctl.edit import transaction
from modelctl.edit.bring import brought
from modelctl.edit.plan import Live, plan_edit
from modelctl.errors import EditRefusedError, StoreError
from modelctl.repo import git
from modelctl.repo.kinds import Environment, Serving
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import WorkTree
from modelctl.store.delivery import Delivery
from modelctl.store.needs import Need, needs
from modelctl.store.transfer import Held

_FOUND = {Held.MISSING: "no such file", Held.OTHER: "other bytes"}


def run(arguments: argparse.Namespace) -> int:
    """Look whether the files are there, then edit, render and check; write or commit.

    Raises:
        EditRefusedError: The release is there already, its files are not, or `check` refuses.
        UsageError: There is no such model, environment or release.
    """
    root = git.top_level(Path.cwd())
    with transaction.only_writer(root) as mended:
        editing.say(mended)
        tree = WorkTree(root)
        repository = load(tree)
        files = repository.model(arguments.model)
        source = _source(files, arguments.source)
        names.refuse_unknown_environment(repository, arguments.target)
        environment = repository.environments.get(arguments.target)
        assert environment is not None  # noqa: S101 - refused above
        release = arguments.release or source.stable
        names.refuse_unknown_release(files, release)
        edit = brought(files, source, arguments.target, release)
        _require_files(
            Delivery(root, repository.environments, stores.watch), files, environment, release
        )
        live = Live((arguments.model, arguments.target), frozenset({release}))
        plan = plan_edit(tree, {edit.path: edit.text.encode()}, [live])
        subject = f"apps/{arguments.model}: Bring {release} to {arguments.target}"
        editing.write(arguments, root, plan, subject)
    print(_next(arguments, release, is_first=edit.is_first))
    return 0


def _source(files: ModelFiles, environment: str) -> Serving:
    serving = files.servings.get(environment)
    if serving is None:
        raise names.unserved(files, environment)
    return serving


def _require_files(
    delivery: Delivery, files: ModelFiles, environment: Environment, release: str
) -> None:
    """Return if the environment finds the release's files where it reads them, to the byte."""
    for need in needs(files, [release]):
        try:
            found = delivery.held(need, environment)
        except StoreError as error:
            raise _refused(need, environment, str(error)) from error
        if found is not Held.RIGHT:
            place = need.place_in(environment)
            raise _refused(need, environment, f"found {_FOUND[found]} at {place}")


def _refused(need: Need, environment: Environment, found: str) -> EditRefusedError:
    command = f"modelctl push {need.model} --release {need.release} --env {environment.name}"
    return EditRefusedError(
        f"nothing was written; {need.name}: {found}, expected SHA-256 {need.sha256} where "
        f"{environment.name} reads it: `{command}` brings it there"
    )


def _next(arguments: argparse.Namespace, release: str, *, is_first: bool) -> str:
    model, target = arguments.model, arguments.target
    merged = f"next, once it is merged: `modelctl status --env {target} {model}`"
    if is_first:
        return f"{release} gets all traffic of {target}; {merged}"
    shift = f"`modelctl shift {model} --env {target} {release}=5`"
    return f"{release} runs in {target} without traffic; {merged}, then {shift}"
