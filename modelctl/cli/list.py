"""`modelctl list`: every model, who owns it, and what serves it where, as git says."""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelctl.cli import names
from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import WorkTree

Json = Mapping[str, Any]

_NOT_SERVED = "-"
_UNREADABLE = "?"  # in place of what a fault keeps from being read


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--env", help="only what this environment serves")
    parser.add_argument("--owner", metavar="TEAM", help="only the models of this team")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print one line a model."""
    repository = load(WorkTree(git.top_level(Path.cwd())))
    if arguments.env:
        names.refuse_unknown_environment(repository, arguments.env)
    if arguments.owner:
        names.refuse_unknown_team(repository, arguments.owner)
    models = [_model(repository.model(folder)) for folder in repository.folders]
    wanted = [
        model
        for model in models
        if arguments.env in (None, *model["environments"])
        and arguments.owner in (None, model["owner"])
    ]
    if arguments.format == "json":
        print(json.dumps({"models": wanted}, indent=1))
        return 0
    listed = [environment.name for environment in repository.environments.ordered]
    print("\n".join(_table(wanted, [arguments.env] if arguments.env else listed)))
    return 0


def _model(files: ModelFiles) -> Json:
    """What is told of a model; `faults` says whether something of it cannot be read."""
    model = files.model
    return {
        "model": files.folder,
        "owner": model.owner if model else None,
        "description": model.description if model else None,
        "releases": list(files.releases),
        "environments": {
            name: {
                "stable": serving.stable,
                "weights": dict(serving.weights),
                "shadow": serving.shadow.release if serving.shadow else None,
                "paused": serving.paused,
            }
            for name, serving in files.servings.items()
        },
        "faults": len(files.faults),
    }


def _table(models: Sequence[Json], environments: Sequence[str]) -> Iterable[str]:
    if not models:
        return ["no models: `modelctl new MODEL --artifact FILE` starts one"]
    head = ["MODEL", "OWNER", *environments]
    rows = [head, *([*_beginning(model), *_traffic(model, environments)] for model in models)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    padded = (map(str.ljust, row, widths) for row in rows)
    return ["  ".join(cells).rstrip() for cells in padded]


def _beginning(model: Json) -> list[str]:
    return [model["model"], model["owner"] or _UNREADABLE]


def _traffic(model: Json, environments: Sequence[str]) -> Iterable[str]:
    for name in environments:
        served = model["environments"].get(name)
        yield weights(served) if served else _UNREADABLE if model["faults"] else _NOT_SERVED


def weights(served: Json) -> str:
    """The weights of a model in an environment, with its shadow and whether it is paused."""
    shown = [f"{release}={weight}" for release, weight in served["weights"].items()]
    shown += [f"shadow {served['shadow']}"] if served["shadow"] else []
    return " ".join(shown + (["paused"] if served["paused"] else []))
