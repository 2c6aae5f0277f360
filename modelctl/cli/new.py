"""`modelctl new`: a model's first files, from an ONNX file."""

import argparse
from dataclasses import replace
from pathlib import Path

from modelctl.cli import artifacts, editing, names
from modelctl.cli.parser import Parser
from modelctl.cli.values import number, text
from modelctl.edit import scaffold, transaction
from modelctl.edit.plan import Live, plan_edit
from modelctl.errors import UsageError
from modelctl.model.memory import ample_mib
from modelctl.model.tensors import Contract
from modelctl.repo import git, layout
from modelctl.repo.kinds import Model, Resources, Runtime, Scale, ServiceLevel, Serving
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import WorkTree

# What release r1 begins with; people change it as they measure.
DEFAULT_RUNTIME = Runtime(providers=("cpu",), threads=1, max_inflight=64, batching=None)
DEFAULT_CPU = "1"


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "model", type=text("model", "name"), metavar="MODEL", help="name of the new model"
    )
    parser.add_argument("--artifact", type=Path, required=True, metavar="FILE", help="ONNX file")
    parser.add_argument(
        "--owner",
        type=text("model", "owner"),
        required=True,
        metavar="TEAM",
        help="team that answers for it",
    )
    parser.add_argument(
        "--description",
        type=text("model", "description"),
        required=True,
        help="what it predicts, in a sentence",
    )
    parser.add_argument(
        "--image",
        type=text("release", "image"),
        required=True,
        metavar="NAME@sha256:…",
        help="model server image by digest",
    )
    parser.add_argument("--env", help="environment that serves it first; default: the first one")
    _add_level(parser, "--latency-p99-ms", default=100, metavar="MS")
    _add_level(parser, "--error-rate", default=0.001, metavar="SHARE")
    _add_level(parser, "--peak-rps", default=100, metavar="RPS")
    artifacts.configure(parser)
    editing.add_commit(parser)


def _add_level(parser: Parser, option: str, *, default: float, metavar: str) -> None:
    """A bound of the service level, held to its field's schema."""
    field = option.removeprefix("--").replace("-", "_")
    kind = number("model", "service_level", field)
    parser.add_argument(option, type=kind, default=default, metavar=metavar)


def run(arguments: argparse.Namespace) -> int:
    """Write model, release r1 and the first environment's serving file."""
    root = git.top_level(Path.cwd())
    with transaction.only_writer(root) as mended:
        editing.say(mended)
        tree = WorkTree(root)
        repository = load(tree)
        _refuse_bad_names(arguments, repository)
        environment = _environment(arguments, repository)
        files = _files(arguments, repository, environment)
        live = Live((arguments.model, environment), frozenset({"r1"}))
        subject = f"apps/{arguments.model}: Add model with release r1"
        return editing.write(arguments, root, plan_edit(tree, files, [live]), subject)


def _refuse_bad_names(arguments: argparse.Namespace, repository: Repository) -> None:
    if arguments.model in repository.folders:
        raise UsageError(f"apps/{arguments.model} is already there: use `modelctl release`")
    names.refuse_unknown_environment(repository, _environment(arguments, repository))


def _environment(arguments: argparse.Namespace, repository: Repository) -> str:
    first = (environment.name for environment in repository.environments.ordered)
    return str(arguments.env or next(first, ""))


def _files(
    arguments: argparse.Namespace, repository: Repository, environment: str
) -> dict[str, bytes | None]:
    environments = repository.environments.ordered
    base = arguments.artifacts_at or next(iter(environments[0].artifact_mirrors), None)
    if base is None:
        raise UsageError("say where artifacts are read from: --artifacts-at URI")
    name = arguments.model
    onnx = artifacts.read(arguments.artifact, base, name, "r1.onnx")
    artifact, graph = onnx.as_artifact(DEFAULT_RUNTIME.providers)
    golden = (
        artifacts.read(arguments.golden, base, name, "r1.golden.json") if arguments.golden else None
    )
    level = ServiceLevel(arguments.latency_p99_ms, arguments.error_rate, arguments.peak_rps)
    release = scaffold.NewRelease(
        artifact=artifact,
        graph=graph,
        image=arguments.image,
        runtime=replace(DEFAULT_RUNTIME, request_timeout_s=scaffold.ample_timeout_s(level)),
        resources=Resources(DEFAULT_CPU, f"{ample_mib(artifact.size_bytes)}Mi", gpu=None),
        golden=golden.as_golden() if golden else None,
        provenance=artifacts.provenance(arguments),
    )
    contract = Contract(graph.inputs, graph.outputs)
    model = Model(name, name, arguments.owner, arguments.description, contract, level)
    scale = Scale(min=1, max=4, metric="cpu", target=70)
    serving = Serving(name, environment, "r1", {"r1": 100}, None, scale, paused=False)
    copies = onnx.copies(repository.environments)
    copies |= golden.copies(repository.environments) if golden else {}
    return copies | {
        layout.model_file(name): scaffold.model_text(model).encode(),
        layout.release_file(name, "r1"): scaffold.release_text(release).encode(),
        layout.serving_file(name, environment): scaffold.serving_text(serving).encode(),
    }
