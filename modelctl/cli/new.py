"""`modelctl new`: a model's first files, from an ONNX file."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from modelctl.cli import artifacts, editing, names, trying
from modelctl.cli.artifacts import Places
from modelctl.cli.parser import Parser
from modelctl.cli.trying import Brought, Terms
from modelctl.cli.values import number, text
from modelctl.edit import scaffold, transaction
from modelctl.edit.plan import Live, plan_edit
from modelctl.errors import UsageError
from modelctl.model.memory import least_mib
from modelctl.model.tensors import Contract, TensorSpec
from modelctl.model.trial import Trial
from modelctl.repo import git, layout
from modelctl.repo.kinds import Batching, Model, Resources, Runtime, Scale, ServiceLevel, Serving
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import WorkTree

# What release r1 begins with; people change it as they measure.
DEFAULT_RUNTIME = Runtime(providers=("cpu",), threads=1, max_inflight=64, batching=None)
DEFAULT_CPU = "1"
_BATCHING = Batching(max_size=32, max_delay_ms=0)  # of what waits anyway: no request is held back
_REPLICAS = Scale(min=1, max=4, metric="cpu", target=70)

_LATENCY_MS, _RPS = 100, 100  # promised of a model that nobody has said more of
_RUNS_PER_P99 = 5  # runs that the slowest of a hundred requests has time for, its own included
_BUSY = 0.7  # of a replica's time, at the peak
_MOST_NAMED = 3  # tensors that a description names


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "model", type=text("model", "name"), metavar="MODEL", help="name of the new model"
    )
    parser.add_argument("--artifact", type=Path, required=True, metavar="FILE", help="ONNX file")
    parser.add_argument(
        "--owner",
        type=text("model", "owner"),
        metavar="TEAM",
        help="team that answers for it; default: the only one",
    )
    parser.add_argument(
        "--description",
        type=text("model", "description"),
        help="what it predicts, in a sentence; default: what it takes and gives",
    )
    add_image(parser, "that argocd/environments.yaml names; without one it serves locally")
    parser.add_argument("--env", help="environment that serves it first; default: the first one")
    _add_level(parser, "--latency-p99-ms", metavar="MS")
    _add_level(parser, "--error-rate", metavar="SHARE")
    _add_level(parser, "--peak-rps", metavar="RPS")
    artifacts.configure(parser)
    editing.add_commit(parser)


def add_image(parser: Parser, default: str) -> None:
    """The argument `--image`."""
    parser.add_argument(
        "--image",
        type=text("release", "image"),
        metavar="NAME@sha256:…",
        help=f"model server image by digest; default: the one {default}",
    )


def _add_level(parser: Parser, option: str, *, metavar: str) -> None:
    """A bound of the service level, held to its field's schema."""
    field = option.removeprefix("--").replace("-", "_")
    parser.add_argument(option, type=number("model", "service_level", field), metavar=metavar)


def run(arguments: argparse.Namespace) -> int:
    """Try the model; write it, its release r1 and the first environment's serving file."""
    root = git.top_level(Path.cwd())
    with transaction.only_writer(root) as mended:
        editing.say(mended)
        tree = WorkTree(root)
        repository = load(tree)
        _refuse_bad_names(arguments, repository)
        environment = _environment(arguments, repository)
        made = _made(arguments, repository, environment)
        live = Live((arguments.model, environment), frozenset({"r1"}))
        plan = plan_edit(tree, made.files, [live])
        left = [*made.places.put(root)]
        subject = f"apps/{arguments.model}: Add model with release r1"
        code = editing.write(arguments, root, plan, subject)
        say(made.words, left)
        return code


def say(words: Sequence[str], left: Sequence[str]) -> None:
    """Tell what was found out of a model, and what is left to be done."""
    for line in (*words, *left):
        print(f"note: {line}")


def _refuse_bad_names(arguments: argparse.Namespace, repository: Repository) -> None:
    if arguments.model in repository.folders:
        raise UsageError(f"apps/{arguments.model} is already there: use `modelctl release`")
    names.refuse_unknown_environment(repository, _environment(arguments, repository))


def _environment(arguments: argparse.Namespace, repository: Repository) -> str:
    first = (environment.name for environment in repository.environments.ordered)
    return str(arguments.env or next(first, ""))


def owner(arguments: argparse.Namespace, repository: Repository) -> str:
    """The team that is named, or the only one.

    Raises:
        UsageError: None is named, and there is not just one.
    """
    if arguments.owner:
        return str(arguments.owner)
    teams = [team.name for team in repository.teams.ordered]
    if len(teams) == 1:
        return teams[0]
    known = f"expected one of {', '.join(teams)}" if teams else "add one: `modelctl team add`"
    raise UsageError(f"--owner: found none, {known}")


@dataclass(frozen=True, slots=True)
class _Made:
    """Files of a new model by path, where its bytes go, and what was found out, in words."""

    files: dict[str, bytes | None]
    places: Places
    words: tuple[str, ...]


def _made(arguments: argparse.Namespace, repository: Repository, environment: str) -> _Made:
    name, environments = arguments.model, repository.environments
    team = owner(arguments, repository)
    brought = trying.bring(arguments.artifact, arguments, Terms(DEFAULT_RUNTIME))
    chosen = arguments.artifacts_at
    places = Places(chosen or artifacts.first_base(environments), environments, bool(chosen))
    level = _level(arguments, brought.trial)
    release = scaffold.NewRelease(
        artifact=artifacts.artifact(places, brought.content, f"{name}/r1"),
        graph=brought.graph,
        image=arguments.image or environments.model_server or "",
        runtime=_runtime(brought.trial, level),
        resources=Resources(DEFAULT_CPU, memory(brought), gpu=None),
        golden=artifacts.golden(places, brought.golden, f"{name}/r1"),
        provenance=artifacts.provenance(arguments),
        contract=scaffold.own_contract(brought.trial.contract, brought.graph),
    )
    contract = brought.trial.contract
    about = arguments.description or _about(contract)
    model = Model(name, name, team, about, contract, level)
    serving = Serving(name, environment, "r1", {"r1": 100}, None, _REPLICAS, paused=False)
    files: dict[str, bytes | None] = places.copies | {
        layout.model_file(name): scaffold.model_text(model).encode(),
        layout.release_file(name, "r1"): scaffold.release_text(release).encode(),
        layout.serving_file(name, environment): scaffold.serving_text(serving).encode(),
    }
    return _Made(files, places, (*brought.words, *_suggestions(arguments, brought.trial, level)))


def memory(brought: Brought) -> str:
    """The memory that a server needs, as a quantity: measured, and never what is too little."""
    return f"{max(brought.trial.memory_bytes >> 20, least_mib(len(brought.content)))}Mi"


def _runtime(found: Trial, level: ServiceLevel) -> Runtime:
    """Rows of several requests run together if that was seen to pay."""
    timeout_s = scaffold.ample_timeout_s(level)
    batching = _BATCHING if found.useful_rows > 1 else None
    return replace(DEFAULT_RUNTIME, request_timeout_s=timeout_s, batching=batching)


def _level(arguments: argparse.Namespace, found: Trial) -> ServiceLevel:
    """What was said, and else what the model was seen to be able to keep."""
    carried = int(_REPLICAS.max * _BUSY / max(found.run_s, 1e-9))
    latency_ms = max(_LATENCY_MS, ceil(_RUNS_PER_P99 * found.run_s * 1000))
    return ServiceLevel(
        arguments.latency_p99_ms or latency_ms,
        0.001 if arguments.error_rate is None else arguments.error_rate,
        arguments.peak_rps or min(_RPS, max(carried, 1)),
    )


def _suggestions(arguments: argparse.Namespace, found: Trial, level: ServiceLevel) -> Sequence[str]:
    """What the time of a row means for the service level, where that is not what is usual."""
    said = f"a row takes {found.run_s * 1000:.3g} ms with one thread"
    needed = ceil(level.peak_rps * found.run_s / _BUSY)
    if arguments.latency_p99_ms is None and level.latency_p99_ms > _LATENCY_MS:
        said += f": the service level promises {level.latency_p99_ms:g} ms, and at most "
        return [f"{said}{level.peak_rps:g} requests a second"]
    if needed > _REPLICAS.max:
        said += f": {level.peak_rps:g} requests a second need {needed} replicas; raise scale.max, "
        return [f"{said}which is {_REPLICAS.max}"]
    return []


def _about(contract: Contract) -> str:
    """A description that is true, until somebody writes a better one."""
    gives, takes = (_named(side) for side in (contract.outputs, contract.inputs))
    return f"Gives {gives} for {takes}."[:500]


def _named(specs: Sequence[TensorSpec]) -> str:
    shown = ", ".join(spec.name for spec in specs[:_MOST_NAMED])
    return shown + " and more" * (len(specs) > _MOST_NAMED)
