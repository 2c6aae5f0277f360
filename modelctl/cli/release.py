"""`modelctl release`: the next release of a model, or of every model."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelctl.cli import artifacts, editing, names, trying
from modelctl.cli.artifacts import Places
from modelctl.cli.new import add_image, memory, say
from modelctl.cli.parser import Parser
from modelctl.cli.trying import Brought, Terms
from modelctl.edit import scaffold, transaction
from modelctl.edit.plan import plan_edit
from modelctl.edit.scaffold import NewRelease, Provenance
from modelctl.errors import UsageError
from modelctl.repo import git, git_objects, layout, reach
from modelctl.repo.kinds import Golden, Release, Resources, Runtime
from modelctl.repo.layout import Kind
from modelctl.repo.loading import load
from modelctl.repo.mirrors import STORE
from modelctl.repo.quantities import amount
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import WorkTree

_NEWS = ("artifact", "image", "example", "golden", "artifacts_at")


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="folders below apps/; none with --all"
    )
    parser.add_argument("--all", action="store_true", help="every model")
    parser.add_argument(
        "--artifact", type=Path, metavar="FILE", help="ONNX file; default: the latest release's"
    )
    add_image(parser, "of the latest release")
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
        made = _Made()
        for model, release_id in release_ids.items():
            _add(made, arguments, repository.model(model), release_id)
        plan = plan_edit(tree, made.files)
        left = [line for places in made.places for line in places.put(root)]
        code = editing.write(arguments, root, plan, _subject(release_ids))
        say(made.words, left)
        return code


def _refuse_misuse(arguments: argparse.Namespace, models: tuple[str, ...]) -> None:
    if arguments.all == bool(arguments.models):
        found = "both" if arguments.all else "neither"
        raise UsageError(f"found {found}, expected either MODEL or --all")
    if not models:
        raise UsageError("found no model below apps/: start one with `modelctl new`")
    for option in ("artifact", "golden", "example"):
        if getattr(arguments, option) and len(models) > 1:
            raise UsageError(
                f"--{option}: found {len(models)} models, expected one: it is one file"
            )
    if not any(getattr(arguments, name) for name in _NEWS):
        raise UsageError(
            "found nothing new, expected --artifact, --image, --example, --golden or --artifacts-at"
        )


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


@dataclass(slots=True)
class _Made:
    """Files of releases by path, where their bytes go, and what was found out, in words."""

    files: dict[str, bytes | None] = field(default_factory=dict)
    places: list[Places] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def _add(made: _Made, arguments: argparse.Namespace, own: ModelFiles, release_id: str) -> None:
    """Add what a release of a model has."""
    model = own.folder
    names.refuse_unknown_model(own.repository, model)
    if not own.releases:
        raise UsageError(f"apps/{model} has no valid release: start it with `modelctl new`")
    latest = list(own.releases.values())[-1]
    if arguments.artifact:
        release = _brought(made, arguments, own, release_id)
    else:
        release = _repeated(arguments, own, latest)
        if arguments.golden or arguments.example:
            release = _recorded(made, arguments, own, release_id, release)
    text = scaffold.release_text(release)
    made.files[layout.release_file(model, release_id)] = text.encode()


def _places(arguments: argparse.Namespace, own: ModelFiles, latest: Release) -> Places:
    """Where the latest release's files are, or where the owner says."""
    chosen = arguments.artifacts_at
    base = chosen or latest.artifact.uri.rsplit("/", 2)[0] + "/"
    is_stored = not chosen and latest.artifact.uri.startswith(STORE)
    return Places(None if is_stored else base, own.environments, bool(chosen))


def _brought(
    made: _Made, arguments: argparse.Namespace, own: ModelFiles, release_id: str
) -> NewRelease:
    """A release of other bytes, which keep the contract of the model."""
    latest = list(own.releases.values())[-1]
    contract = own.model.contract if own.model else None
    runtime = _runtime(own, latest)
    brought = trying.bring(arguments.artifact, arguments, Terms(runtime, contract))
    places = _places(arguments, own, latest)
    made.places.append(places)
    made.words += brought.words
    name = f"{own.folder}/{release_id}"
    release = NewRelease(
        artifact=artifacts.artifact(places, brought.content, name),
        graph=brought.graph,
        image=arguments.image or latest.image,
        runtime=runtime,
        resources=_resources(latest, brought),
        golden=artifacts.golden(places, brought.golden, name),
        provenance=artifacts.provenance(arguments),
        contract=scaffold.own_contract(contract, brought.graph) if contract else None,
    )
    made.files |= places.copies
    return release


def _recorded(
    made: _Made,
    arguments: argparse.Namespace,
    own: ModelFiles,
    release_id: str,
    release: NewRelease,
) -> NewRelease:
    """The same bytes with another golden file, which they were held to."""
    latest = list(own.releases.values())[-1]
    content = reach.content_of(own, latest.artifact.uri, latest.artifact.sha256)
    if content is None:
        raise UsageError(
            f"the bytes of {latest.id} are not within reach to be tried: give them as --artifact"
        )
    name = f"{own.folder}/{latest.id}"
    brought = trying.tried(name, content, arguments, Terms(latest.runtime, latest.promised))
    places = _places(arguments, own, latest)
    made.places.append(places)
    made.words += brought.words
    golden = artifacts.golden(places, brought.golden, f"{own.folder}/{release_id}")
    made.files |= places.copies
    return replace(release, golden=golden)


def _runtime(own: ModelFiles, latest: Release) -> Runtime:
    """That of the latest release, with as much time for a request as the model's promise needs."""
    if own.model is None:
        return latest.runtime
    least_s = latest.runtime.request_timeout_s
    timeout_s = scaffold.ample_timeout_s(own.model.service_level, least_s)
    return replace(latest.runtime, request_timeout_s=timeout_s)


def _resources(latest: Release, brought: Brought) -> Resources:
    """Those of the latest release, with more memory where this artifact was seen to need it."""
    needed = memory(brought)
    if amount(latest.resources.memory) >= amount(needed):
        return latest.resources
    return replace(latest.resources, memory=needed)


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
