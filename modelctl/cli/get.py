"""`modelctl get`: the typed facts of a model, a release, the environments or the teams."""

import argparse
import json
import random
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

from modelctl.cli import names
from modelctl.cli.list import weights
from modelctl.errors import UsageError
from modelctl.model import example
from modelctl.repo import git, layout
from modelctl.repo.kinds import Environment, Release
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import WorkTree

Json = Mapping[str, Any]

_LAPTOP = "http://localhost:8080"  # where `modelctl up` answers unless it is told otherwise
_INLINE = 256  # numbers of a request that a terminal still shows as one line


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "what", metavar="MODEL[/RELEASE]|environments|teams", help="whose facts to print"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print what the files of the work tree say."""
    repository = load(WorkTree(git.top_level(Path.cwd())))
    told, lines = _asked(repository, arguments.what)
    print(json.dumps(told, indent=1, default=list) if arguments.format == "json" else lines)
    return 0


def _asked(repository: Repository, what: str) -> tuple[Json, str]:
    """The facts, and the same in words."""
    model, slash, release = what.partition("/")
    if what == "environments" and what not in repository.folders:
        environments = [asdict(each) for each in repository.environments.ordered]
        return {what: environments}, _rows(environments, ("name", "engine", "gateway.hostname"))
    if what == "teams" and what not in repository.folders:
        teams = [asdict(each) for each in repository.teams.ordered]
        return {what: teams}, _rows(teams, ("name", "groups", "description"))
    names.refuse_unknown_model(repository, model)
    files = repository.model(model)
    if slash:
        names.refuse_unknown_release(files, release)
        found = files.releases[release]
        return asdict(found), "\n".join(_release(found))
    return _model(files), "\n".join(_model_lines(files))


def _model(files: ModelFiles) -> Json:
    if files.model is None:
        raise UsageError(
            "; ".join(map(str, files.faults)) or f"{files.folder}: found no model.yaml"
        )
    servings = {name: asdict(serving) for name, serving in files.servings.items()}
    releases = {name: asdict(release) for name, release in files.releases.items()}
    asked = {environment.name: _curl(files, environment) for environment, _ in files.served}
    return {**asdict(files.model), "releases": releases, "servings": servings, "curl": asked}


def _model_lines(files: ModelFiles) -> Iterator[str]:
    told = _model(files)
    level = told["service_level"]
    yield f"{told['name']}, owned by {told['owner']}: {told['description']}"
    yield (
        f"promises: {level['latency_p99_ms']:g} ms at the 99th percentile, "
        f"{level['error_rate']:g} errors, at {level['peak_rps']:g} requests/s"
    )
    yield from _tensors(told["contract"])
    for environment, serving in files.served:
        shown = {**told["servings"][environment.name], "shadow": None}
        shadow = f", shadow {serving.shadow.release}" if serving.shadow else ""
        yield f"{environment.name}: {weights(shown)}, stable {serving.stable}{shadow}"
    for release in files.releases.values():
        size = f"{release.artifact.size_bytes:,} bytes"
        yield f"{release.id}: sha256:{release.artifact.sha256} {size} {release.artifact.uri}"
    for environment, line in told["curl"].items():
        yield f"ask {environment}: {line}"


def _release(release: Release) -> Iterator[str]:
    artifact, resources = release.artifact, release.resources
    yield f"{release.folder} {release.id}: {artifact.uri}"
    yield f"sha256 {artifact.sha256}, {artifact.size_bytes:,} bytes"
    opsets = ", ".join(
        f"{domain or 'ai.onnx'} {number}" for domain, number in release.graph.opsets.items()
    )
    yield f"IR version {release.graph.ir_version}, operators {opsets}"
    yield from _tensors(asdict(release.graph))
    yield f"image {release.image or 'of the environment'}"
    gpu = f", {resources.gpu.count} {resources.gpu.resource}" if resources.gpu else ""
    yield f"cpu {resources.cpu}, memory {resources.memory}{gpu}"
    yield f"runs on {', '.join(release.runtime.providers)} with {release.runtime.threads} threads"
    yield f"golden {release.golden.uri if release.golden else 'none'}"


def _tensors(contract: Json) -> Iterator[str]:
    for side in ("inputs", "outputs"):
        for each in contract[side]:
            shape = ", ".join(map(str, each["shape"]))
            yield f"{side.removesuffix('s')} {each['name']}: {each['datatype']} [{shape}]"


def _curl(files: ModelFiles, environment: Environment) -> str:
    """A line for a shell that asks the model in an environment, with numbers that are made up."""
    assert files.model is not None  # noqa: S101 - whoever has no model is refused before
    host = environment.gateway.hostname
    base = _LAPTOP if environment.engine == "local" else f"https://{host}"
    contract = files.model.contract
    numbers = sum(prod(map(abs, tensor.shape)) for tensor in contract.inputs)
    data = "@request.json"
    if numbers <= _INLINE:
        chance = random.Random(0)  # noqa: S311 - the same line at every look, and no secret
        request = example.request(contract, chance)
        data = shlex.quote(json.dumps(request, separators=(",", ":")))
    address = f"{base}/v2/models/{files.folder}/infer"
    return f"curl -s -H 'content-type: application/json' {shlex.quote(address)} -d {data}"


def _rows(items: Iterable[Json], columns: tuple[str, ...]) -> str:
    rows = [[_cell(item, column) for column in columns] for item in items]
    if not rows:
        return f"none: {layout.ARGOCD}/ has no valid file of them; `modelctl check` says why"
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    padded = (map(str.ljust, row, widths) for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def _cell(item: Any, column: str) -> str:  # noqa: ANN401 - whatever JSON has
    for key in column.split("."):
        item = item[key]
    return ", ".join(item) if isinstance(item, list | tuple) else str(item)
