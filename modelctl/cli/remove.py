"""`modelctl remove`: take a model out of an environment, or away, in two steps where it serves."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from modelctl.cli import editing, names
from modelctl.cli.parser import Parser
from modelctl.edit import removal, transaction
from modelctl.edit.plan import plan_edit
from modelctl.repo import git
from modelctl.repo.kinds import Environment, Serving
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import WorkTree
from modelctl.store.needs import is_near, needs

Served = list[tuple[Environment, Serving]]


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="folder of the model below apps/")
    parser.add_argument(
        "--env", help="environment to leave; default: all of them, and then the model itself"
    )
    editing.add_commit(parser)


def run(arguments: argparse.Namespace) -> int:
    """Leave environments, or take away what serves nowhere; say what is left, and what is next.

    Raises:
        EditRefusedError: `check` refuses what would be left.
        UsageError: There is no such model, or it does not serve there.
    """
    root = git.top_level(Path.cwd())
    with transaction.only_writer(root) as mended:
        editing.say(mended)
        tree = WorkTree(root)
        repository = load(tree)
        names.refuse_unknown_model(repository, arguments.model)
        files = repository.model(arguments.model)
        served = _served(files, arguments.env)
        if served:
            changes = removal.of_servings(files, [e.name for e, _ in served])
            subject = f"apps/{files.folder}: Leave {', '.join(e.name for e, _ in served)}"
        else:
            changes = removal.of_model(repository, files)
            subject = f"apps/{files.folder}: Remove"
        editing.write(arguments, root, plan_edit(tree, changes), subject)
    words = _left_environments(files, served) if served else _left_behind(repository, files)
    print("\n".join(words))
    return 0


def _served(files: ModelFiles, environment: str | None) -> Served:
    found = [each for each in files.served if environment in (None, each[0].name)]
    if environment is not None and not found:
        raise names.unserved(files, environment)
    return found


def _left_environments(files: ModelFiles, served: Served) -> Iterator[str]:
    """Whom it leaves without an answer, when, and what is next."""
    for environment, serving in served:
        shares = ", ".join(f"{r} at {weight} %" for r, weight in serving.weights.items() if weight)
        ends = "it ends as soon as `modelctl up` sees the commit"
        if environment.engine == "argocd":
            ends = "it serves on until the Application goes, which is the second step"
        yield f"{environment.name}: served {shares}; {ends}"
    if any(environment.engine == "argocd" for environment, _ in served):
        command = f"argocd app delete {files.folder} --yes"
        yield (
            f"next, once it is merged and nobody calls it: `{command}` in each cluster "
            "(docs/how-to/remove-a-model.md)"
        )
    if len(served) == len(list(files.served)):
        yield f"then `modelctl remove {files.folder}` takes the model itself away"
    yield "the way back: `git revert`"


def _left_behind(repository: Repository, files: ModelFiles) -> Iterator[str]:
    """What stays in stores, which no commit reaches."""
    wanted = needs(files, files.releases)
    places = {
        place
        for environment in repository.environments.ordered
        for need in wanted
        if not is_near(place := need.place_in(environment))
    }
    kept = {f".modelctl/store/{need.sha256}" for need in wanted if need.is_addressed}
    for place in sorted(places | kept):
        yield f"left where it is: {place}"
    if places | kept:
        yield "a way back needs these files: delete them when no `git revert` is wanted any more"
    yield "the way back: `git revert`"
