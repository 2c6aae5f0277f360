"""`modelctl release`: the next release of a model, or of every model."""

import argparse
from pathlib import Path

from modelctl import git, layout, scaffold, workspace
from modelctl.commands import artifacts, editing
from modelctl.errors import UsageError
from modelctl.kinds import Artifact, Golden, Release
from modelctl.loading import load
from modelctl.repository import Repository
from modelctl.scaffold import NewRelease, Provenance
from modelctl.tree import WorkTree

SUMMARY = "add a release: from an ONNX file, or the latest one again with another image or place"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="folders below apps/; none with --all"
    )
    parser.add_argument("--all", action="store_true", help="every model")
    parser.add_argument(
        "--artifact", type=Path, metavar="FILE", help="ONNX file; default: the latest release's"
    )
    parser.add_argument(
        "--image", metavar="NAME@sha256:…", help="model server image; default: the latest release's"
    )
    artifacts.configure(parser)
    editing.add_commit(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the release files; no environment serves them yet."""
    root = git.top_level(Path.cwd())
    with workspace.only_writer(root):
        repository = load(WorkTree(root))
        models = repository.folders() if arguments.all else tuple(arguments.models)
        _refuse_misuse(arguments, models)
        files: dict[str, bytes | None] = {}
        for model in models:
            files |= _files(arguments, repository, model)
        subject = _subject(repository, models)
        return editing.write(root, files, subject, commit=arguments.commit)


def _refuse_misuse(arguments: argparse.Namespace, models: tuple[str, ...]) -> None:
    if not models or (arguments.all and arguments.models):
        raise UsageError("name the models, or --all")
    if arguments.artifact and len(models) > 1:
        raise UsageError(f"--artifact is one file, found {len(models)} models")
    if not (arguments.artifact or arguments.image or arguments.artifacts_at):
        raise UsageError("say what is new: --artifact, --image or --artifacts-at")
    if arguments.golden and not arguments.artifact:
        raise UsageError("--golden goes with --artifact: it records that file's outputs")


def _subject(repository: Repository, models: tuple[str, ...]) -> str:
    if len(models) == 1:
        return f"apps/{models[0]}: Add release {_next_id(repository, models[0])}"
    return f"apps: Add a release of {len(models)} models"


def _next_id(repository: Repository, model: str) -> str:
    prefix = f"apps/{model}/releases/r"
    numbers = (
        path.removeprefix(prefix).removesuffix(".yaml")
        for path in repository.entries
        if path.startswith(prefix)
    )
    return f"r{max((int(n) for n in numbers if n.isdigit()), default=0) + 1}"


def _files(
    arguments: argparse.Namespace, repository: Repository, model: str
) -> dict[str, bytes | None]:
    releases = repository.releases_of(model)
    if not releases:
        raise UsageError(f"apps/{model} has no valid release: start it with `modelctl new`")
    latest, identity = releases[-1], _next_id(repository, model)
    base = arguments.artifacts_at or latest.artifact.uri.rsplit("/", 2)[0] + "/"
    if arguments.artifact is None:
        release = _repeated(arguments, repository, latest)
        return {layout.release_file(model, identity): scaffold.release_text(release).encode()}
    onnx = artifacts.read(arguments.artifact, base, model, f"{identity}.onnx")
    artifact, graph = onnx.as_artifact(latest.runtime.providers)
    files = onnx.copies(repository.environments)
    golden = None
    if arguments.golden:
        file = artifacts.read(arguments.golden, base, model, f"{identity}.golden.json")
        golden = file.as_golden()
        files |= file.copies(repository.environments)
    release = NewRelease(
        artifact=artifact,
        graph=graph,
        image=arguments.image or latest.image,
        runtime=latest.runtime,
        resources=latest.resources,
        golden=golden,
        provenance=artifacts.provenance(arguments),
    )
    text = scaffold.release_text(release)
    return files | {layout.release_file(model, identity): text.encode()}


def _repeated(arguments: argparse.Namespace, repository: Repository, latest: Release) -> NewRelease:
    """The latest release's bytes again, with another image or from another place."""

    def moved(uri: str) -> str:
        tail = "/".join(uri.rsplit("/", 2)[1:])
        return f"{arguments.artifacts_at.rstrip('/')}/{tail}" if arguments.artifacts_at else uri

    old, golden = latest.artifact, latest.golden
    return NewRelease(
        artifact=Artifact(moved(old.uri), old.sha256, old.size_bytes),
        graph=latest.graph,
        image=arguments.image or latest.image,
        runtime=latest.runtime,
        resources=latest.resources,
        golden=Golden(moved(golden.uri), golden.sha256) if golden else None,
        provenance=artifacts.provenance(arguments) or _provenance(repository, latest),
    )


def _provenance(repository: Repository, release: Release) -> Provenance | None:
    path = layout.release_file(release.folder, release.id)
    value = repository.documents[path].value
    fields = value.get("provenance") if isinstance(value, dict) else None
    return Provenance(**fields) if fields else None
