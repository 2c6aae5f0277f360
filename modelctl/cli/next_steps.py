"""What to do after each command: one table, printed on standard error once a command is done.

Standard output is the command's result alone, so that it can be piped and parsed.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree

_REVIEW = "look at it with `git diff`, then commit it, or give --commit the next time"


def tell(command: str, arguments: Namespace) -> None:
    """Print the next step after a command that has done what it was asked."""
    step = STEPS.get(command)
    told = step(arguments) if step else ""
    if told:
        print(f"next: {told}", file=sys.stderr)


def _uncommitted(step: Callable[[Namespace], str]) -> Callable[[Namespace], str]:
    """The step after an edit: what is not committed is committed first."""
    return lambda arguments: step(arguments) if getattr(arguments, "commit", True) else _REVIEW


def _init(arguments: Namespace) -> str:
    folder = arguments.folder
    change = "" if folder.resolve() == Path.cwd() else f"`cd {folder}`, then "
    return f"{change}`modelctl new MODEL --artifact FILE --commit`"


def _new(arguments: Namespace) -> str:
    model = arguments.model
    return f"`modelctl up` serves it, then `modelctl predict {model}` in another terminal asks it"


def _release(arguments: Namespace) -> str:
    if len(arguments.models) != 1:
        return "introduce each: `modelctl shift MODEL --env ENV RELEASE=0 --commit`"
    model = arguments.models[0]
    files = load(WorkTree(git.top_level(Path.cwd()))).model(model)
    newest = next(reversed([*files.releases]), "RELEASE")
    environment = next((environment.name for environment, _ in files.served), "ENV")
    asked = f"modelctl shift {model} --env {environment} {newest}=0 --commit"
    return f"`{asked}` starts it, without traffic"


def _shift(arguments: Namespace) -> str:
    edit = f"{arguments.model} --env {arguments.env}"
    release, weight = arguments.weights[0]
    if weight == 0:
        return (
            f"once `modelctl status` shows {release} ready: "
            f"`modelctl shift {edit} {release}=10 --commit`"
        )
    return (
        f"watch `modelctl status`; then `modelctl promote {edit} --commit`, or back: "
        f"`modelctl rollback {edit} --commit`"
    )


def _promote(arguments: Namespace) -> str:
    environment = arguments.env
    if not environment:
        return f"`modelctl status --env {arguments.target}` once it is merged"
    edit = f"{arguments.model} --env {environment}"
    return (
        f"the release before stays warm: `modelctl rollback {edit} --commit` goes back to it, "
        f"`modelctl retire {edit} --commit` ends it"
    )


def _rollback(arguments: Namespace) -> str:
    if arguments.warms:
        return ""
    return f"`modelctl history {arguments.model}` shows what served before"


def _environment(arguments: Namespace) -> str:
    if arguments.engine == "local":
        return f"`modelctl up --env {arguments.name}` serves it"
    return (
        f"look through argocd/platform/{arguments.name}/, commit, then bring up its cluster: "
        "docs/how-to/first-cluster.md"
    )


STEPS: Mapping[str, Callable[[Namespace], str]] = {
    "init": _init,
    "new": _uncommitted(_new),
    "release": _uncommitted(_release),
    "shift": _uncommitted(_shift),
    "promote": _uncommitted(_promote),
    "package": _uncommitted(lambda _: "`modelctl up` serves it; `modelctl list` shows what serves"),
    "import": _uncommitted(lambda _: "`modelctl check`, then `modelctl up`"),
    "push": lambda arguments: (
        f"`modelctl promote MODEL --from ENV --to {arguments.env} --commit`, where it is not served"
    ),
    "pull": lambda _: "`modelctl up` serves it from here",
    "remove": _uncommitted(lambda _: "`modelctl list` shows what is left"),
    "retire": _uncommitted(lambda _: "`modelctl list` shows what serves where"),
    "rollback": _uncommitted(_rollback),
    "render": lambda arguments: "`modelctl check`, then commit" if arguments.wrote else "",
    "down": lambda _: "`modelctl up` serves again",
    "team": _uncommitted(
        lambda arguments: f"`modelctl new MODEL --owner {arguments.name} …`, or `owner:` of a model"
    ),
    "environment": _uncommitted(_environment),
}
# Commands without a next step, and why.
SILENT: Mapping[str, str] = {
    "check": "each finding has its remedy",
    "diff": "it ends with the way back",
    "explain": "the page is what was asked for",
    "rules": "the list is what was asked for",
    "history": "it reads; what to do about it is nobody's guess",
    "up": "it says its addresses while it runs",
    "status": "its last lines say what to do about what is not well",
    "logs": "they are read, or followed",
    "predict": "the answer is what was asked for; where it comes from stands beside it",
    "open": "a browser opens",
    "list": "it reads; where there is no model it says how to start one",
    "get": "it ends with the line that asks the model",
    "doctor": "each look has its remedy",
    "completion": "a shell reads it",
}
