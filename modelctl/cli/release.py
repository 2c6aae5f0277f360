"""`modelctl release`: the next release of a model, or of every model."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from modelctl.cli import artifacts, editing, names
from modelctl.cli.parser import Parser
from modelctl.cli.values import text
from modelctl.edit import scaffold, transaction
from modelctl.edit.plan import plan_edit
from modelctl.edit.scaffold import NewRelease, Provenance
from modelctl.errors import UsageError
from modelctl.model.memory import ample_mib, least_mib
from modelctl.repo import git, git_objects, layout
from modelctl.repo.kinds import Artifact, Golden, Release, Resources, Runtime
from modelctl.repo.layout import Kind
from modelctl.repo.loading import load
from modelctl.repo.quantities import MIB, amount
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import WorkTree


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="folders below apps/; none with --all"
    )
    parser.add_argument("--all", action="store_true", help="every model")
    parser.add_argument(
        "--artifact", type=Path, metavar="FILE", help="ONNX file; default: the latest release's"
    )
    parser.add_argument(
        "--image",
        type=text("release", "image"),
        metavar="NAME@sha256:…",
        help="model server image; default: the latest release's",
    )
    artifacts.configure(parser)
    editing.add_commit(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the release files; no environment serves them yet."""
    root = git.top_level(Path.cwd())
    with transaction.only_writer(root) as mended:
        editing.say(mended)
        tree = WorkTree(root)
        repository = load(tree)
        models = repository.folders if arguments.all else tuple(arguments.models)
        _refuse_misuse(arguments, models)
        ever = git_objects.ever_had(
            root, *(f"{layout.model_folder(model)}/releases" for model in models)
        )
        release_ids = {
            model: _next_id(model, (*tree.below(f"apps/{model}"), *ever)) for model in models
        }
        files: dict[str, bytes | None] = {}
        for model, release_id in release_ids.items():
            files |= _files(arguments, repository.model(model), release_id)
        return editing.write(arguments, root, plan_edit(tree, files), _subject(release_ids))


def _refuse_misuse(arguments: argparse.Namespace, models: tuple[str, ...]) -> None:
    if arguments.all == bool(arguments.models):
        found = "both" if arguments.all else "neither"
        raise UsageError(f"found {found}, expected either MODEL or --all")
    if not models:
        raise UsageError("found no model below apps/: start one with `modelctl new`")
    if arguments.artifact and len(models) > 1:
        raise UsageError(f"--artifact: found {len(models)} models, expected one: it is one file")
    if not (arguments.artifact or arguments.image or arguments.artifacts_at):
        raise UsageError("found nothing new, expected --artifact, --image or --artifacts-at")


def _subject(release_ids: Mapping[str, str]) -> str:
    if len(release_ids) == 1:
        ((model, release_id),) = release_ids.items()
        return f"apps/{model}: Add release {release_id}"
    return f"apps: Add a release of {len(release_ids)} models"


def _next_id(model: str, paths: Iterable[str]) -> str:
    """A number that no release of the model has, or ever had: what was bound to it stays so."""
    own = (where for path in paths if (where := layout.place(path)).model == model)
    numbers = (layout.release_number(where.release) for where in own if where.kind is Kind.RELEASE)
    return f"r{max(numbers, default=0) + 1}"


def _files(
    arguments: argparse.Namespace, own: ModelFiles, release_id: str
) -> dict[str, bytes | None]:
    model, environments = own.folder, own.environments
    names.refuse_unknown_model(own.repository, model)
    if not own.releases:
        raise UsageError(f"apps/{model} has no valid release: start it with `modelctl new`")
    latest = list(own.releases.values())[-1]
    base = arguments.artifacts_at or latest.artifact.uri.rsplit("/", 2)[0] + "/"
    if arguments.artifact is None:
        release = _repeated(arguments, own, latest)
        return {layout.release_file(model, release_id): scaffold.release_text(release).encode()}
    onnx = artifacts.read(arguments.artifact, base, model, f"{release_id}.onnx")
    artifact, graph = onnx.as_artifact(latest.runtime.providers)
    files = onnx.copies(environments)
    golden = None
    if arguments.golden:
        file = artifacts.read(arguments.golden, base, model, f"{release_id}.golden.json")
        golden = file.as_golden()
        files |= file.copies(environments)
    release = NewRelease(
        artifact=artifact,
        graph=graph,
        image=arguments.image or latest.image,
        runtime=_runtime(own, latest),
        resources=_resources(latest, artifact),
        golden=golden,
        provenance=artifacts.provenance(arguments),
        contract=scaffold.own_contract(own.model.contract, graph) if own.model else None,
    )
    text = scaffold.release_text(release)
    return files | {layout.release_file(model, release_id): text.encode()}


def _runtime(own: ModelFiles, latest: Release) -> Runtime:
    """That of the latest release, with as much time for a request as the model's promise needs."""
    if own.model is None:
        return latest.runtime
    least_s = latest.runtime.request_timeout_s
    timeout_s = scaffold.ample_timeout_s(own.model.service_level, least_s)
    return replace(latest.runtime, request_timeout_s=timeout_s)


def _resources(latest: Release, artifact: Artifact) -> Resources:
    """Those of the latest release, with more memory where this artifact could not be loaded."""
    if amount(latest.resources.memory) >= least_mib(artifact.size_bytes) * MIB:
        return latest.resources
    return replace(latest.resources, memory=f"{ample_mib(artifact.size_bytes)}Mi")


def _repeated(arguments: argparse.Namespace, own: ModelFiles, latest: Release) -> NewRelease:
    """The latest release's bytes again, with another image or from another place."""

    def moved(uri: str) -> str:
        tail = "/".join(uri.rsplit("/", 2)[1:])
        return f"{arguments.artifacts_at.rstrip('/')}/{tail}" if arguments.artifacts_at else uri

    old, golden = latest.artifact, latest.golden
    return NewRelease(
        artifact=replace(old, uri=moved(old.uri)),
        graph=latest.graph,
        image=arguments.image or latest.image,
        runtime=_runtime(own, latest),
        resources=latest.resources,
        golden=Golden(moved(golden.uri), golden.sha256) if golden else None,
        provenance=artifacts.provenance(arguments) or _provenance(own, latest),
        contract=latest.contract,
    )


def _provenance(own: ModelFiles, release: Release) -> Provenance | None:
    path = layout.release_file(release.folder, release.id)
    value = own.documents[path].value
    fields = value.get("provenance") if isinstance(value, dict) else None
    return Provenance(**fields) if fields else None
