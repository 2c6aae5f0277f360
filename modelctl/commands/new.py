"""`modelctl new`: a model's first files, from an ONNX file."""

import argparse
import re
from pathlib import Path

from modelctl import git, layout, scaffold, workspace
from modelctl.commands import artifacts, editing
from modelctl.errors import UsageError
from modelctl.kinds import Contract, Model, Resources, Runtime, Scale, ServiceLevel, Serving
from modelctl.loading import load
from modelctl.repository import Repository
from modelctl.tree import WorkTree

SUMMARY = "start a model from an ONNX file: contract, digest and size are read from it"
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
DEFAULT_RUNTIME = Runtime(providers=("cpu",), threads=1, max_inflight=64, batching=None)
DEFAULT_RESOURCES = Resources(cpu="1", memory="512Mi", gpu=None)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="name of the new model")
    parser.add_argument("--artifact", type=Path, required=True, metavar="FILE", help="ONNX file")
    parser.add_argument("--owner", required=True, metavar="TEAM", help="team that answers for it")
    parser.add_argument("--description", required=True, help="what it predicts, in a sentence")
    parser.add_argument(
        "--image", required=True, metavar="NAME@sha256:…", help="model server image by digest"
    )
    parser.add_argument("--env", help="environment that serves it first; default: the first one")
    parser.add_argument("--latency-p99-ms", type=float, default=100, metavar="MS")
    parser.add_argument("--error-rate", type=float, default=0.001, metavar="SHARE")
    parser.add_argument("--peak-rps", type=float, default=100, metavar="RPS")
    artifacts.configure(parser)
    editing.add_commit(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write model, release r1 and the first environment's serving file."""
    root = git.top_level(Path.cwd())
    with workspace.only_writer(root):
        repository = load(WorkTree(root))
        _refuse_bad_names(arguments, repository)
        files = _files(arguments, repository)
        subject = f"apps/{arguments.model}: Add model with release r1"
        return editing.write(root, files, subject, commit=arguments.commit)


def _refuse_bad_names(arguments: argparse.Namespace, repository: Repository) -> None:
    if not _NAME.fullmatch(arguments.model):
        raise UsageError(
            f"found the name {arguments.model!r}, expected a DNS label such as digits-cnn"
        )
    if arguments.model in repository.folders():
        raise UsageError(f"apps/{arguments.model} is already there: use `modelctl release`")
    known = [environment.name for environment in repository.environments.ordered]
    if not known:
        raise UsageError(f"{layout.ENVIRONMENTS} has faults: run `modelctl check`")
    if arguments.env and arguments.env not in known:
        raise UsageError(f"found the environment {arguments.env!r}, known: {', '.join(known)}")


def _files(arguments: argparse.Namespace, repository: Repository) -> dict[str, bytes | None]:
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
    release = scaffold.NewRelease(
        artifact=artifact,
        graph=graph,
        image=arguments.image,
        runtime=DEFAULT_RUNTIME,
        resources=DEFAULT_RESOURCES,
        golden=golden.as_golden() if golden else None,
        provenance=artifacts.provenance(arguments),
    )
    level = ServiceLevel(arguments.latency_p99_ms, arguments.error_rate, arguments.peak_rps)
    contract = Contract(graph.inputs, graph.outputs)
    model = Model(name, name, arguments.owner, arguments.description, contract, level)
    environment = arguments.env or environments[0].name
    scale = Scale(min=1, max=4, metric="cpu", target=70)
    serving = Serving(name, environment, "r1", {"r1": 100}, None, scale, paused=False)
    copies = onnx.copies(repository.environments)
    copies |= golden.copies(repository.environments) if golden else {}
    return copies | {
        layout.model_file(name): scaffold.model_text(model).encode(),
        layout.release_file(name, "r1"): scaffold.release_text(release).encode(),
        layout.serving_file(name, environment): scaffold.serving_text(serving).encode(),
    }
