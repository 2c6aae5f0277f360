"""`modelctl import`: a model's first files, from the description of another platform."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from modelctl.cli import artifacts, bringing, editing, names, new
from modelctl.cli.artifacts import Places
from modelctl.cli.bringing import Brought, Terms
from modelctl.cli.parser import Parser
from modelctl.cli.values import text
from modelctl.edit import scaffold, transaction
from modelctl.edit.plan import Live, plan_edit
from modelctl.errors import UsageError
from modelctl.importing import answers, mlflow, reach, recognise
from modelctl.importing.answers import Pinned
from modelctl.importing.found import Found
from modelctl.model.memory import ample_mib
from modelctl.model.tensors import Contract
from modelctl.packaging.normalise import normalise
from modelctl.repo import git, layout
from modelctl.repo.kinds import Artifact, Model, Resources, Runtime, ServiceLevel, Serving
from modelctl.repo.loading import load
from modelctl.repo.quantities import MIB, amount
from modelctl.repo.repository import Repository
from modelctl.repo.tree import WorkTree

_GPU = ("cuda", "cpu")
_USUAL = ServiceLevel(latency_p99_ms=100, error_rate=0.001, peak_rps=100)
_Files = dict[str, bytes | None]


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="InferenceService, SeldonDeployment, model-settings.json, config.pbtxt, a folder with "
        "one, or models:/NAME/VERSION",
    )
    parser.add_argument("--only", metavar="NAME", help="which of several models in SOURCE")
    parser.add_argument("--registry", metavar="URL", help=f"MLflow; default: {mlflow.TRACKING}")
    parser.add_argument("--model", type=text("model", "name"), metavar="NAME", help="its name here")
    parser.add_argument("--owner", type=text("model", "owner"), metavar="TEAM")
    parser.add_argument("--description", type=text("model", "description"))
    parser.add_argument(
        "--artifact", type=Path, metavar="FILE", help="the ONNX file, where SOURCE has it elsewhere"
    )
    new.add_image(parser, "that argocd/environments.yaml names; without one it serves locally")
    parser.add_argument("--env", help="environment that serves it first; default: the first one")
    new.add_levels(parser)
    _configure_pins(parser)
    artifacts.configure(parser)
    editing.add_commit(parser)


def _configure_pins(parser: Parser) -> None:
    """What a release says of a file that cannot be read from here."""
    pins = parser.add_argument_group("an artifact that cannot be read from here")
    pins.add_argument("--uri", type=text("release", "artifact", "uri"), help="where it is")
    pins.add_argument("--sha256", type=text("release", "artifact", "sha256"), metavar="HEX")
    pins.add_argument("--bytes", type=int, metavar="N", help="its exact size")
    pins.add_argument("--opset", type=int, metavar="N", help="the operator set that it imports")
    pins.add_argument("--ir-version", type=int, metavar="N", help="of the file; default: 8")


def run(arguments: argparse.Namespace) -> int:
    """Write model, release r1 and the first environment's serving file; tell what stays behind."""
    found, content = _read(arguments)
    found = answers.named(found, arguments.model)
    root = git.top_level(Path.cwd())
    with transaction.only_writer(root) as mended:
        editing.say(mended)
        tree = WorkTree(root)
        repository = load(tree)
        if found.name in repository.folders:
            raise UsageError(f"apps/{found.name} is already there: use `modelctl release`")
        environment = _environment(arguments, repository)
        names.refuse_unknown_environment(repository, environment)
        places = _places(arguments, repository)
        brought = _brought(arguments, found, content)
        if brought:
            found = answers.compared(found, brought.graph)
        files = _files(arguments, found, brought, repository, places)
        plan = plan_edit(tree, files, [Live((found.name, environment), frozenset({"r1"}))])
        left = [*places.put(root)]
        subject = f"apps/{found.name}: Import model from {found.platform}"
        exit_code = editing.write(arguments, root, plan, subject)
    new.say(brought.words if brought else (), left)
    _tell(found)
    return exit_code


def _read(arguments: argparse.Namespace) -> tuple[Found, Path | bytes | None]:
    """What the source says, and the artifact where it is in reach."""
    wanted = mlflow.reference(arguments.source, arguments.registry, os.environ)
    if wanted is not None:
        found, content = mlflow.read(wanted)
    else:
        found, content = recognise.read(Path(arguments.source), arguments.only), None
    if arguments.artifact:
        return found, arguments.artifact
    reach.refuse_other_format(found)
    return found, content or reach.artifact(found)


def _environment(arguments: argparse.Namespace, repository: Repository) -> str:
    first = (environment.name for environment in repository.environments.ordered)
    return str(arguments.env or next(first, ""))


def _places(arguments: argparse.Namespace, repository: Repository) -> Places:
    chosen, environments = arguments.artifacts_at, repository.environments
    return Places(chosen or artifacts.first_base(environments), environments, bool(chosen))


def _brought(
    arguments: argparse.Namespace, found: Found, source: Path | bytes | None
) -> Brought | None:
    """The artifact, tried as a server would run it; None where it is out of reach."""
    if source is None:
        return None
    on_cpu = replace(_runtime(found, _USUAL), providers=new.DEFAULT_RUNTIME.providers)
    terms = Terms(on_cpu)  # the GPU that it is for may not be here
    if isinstance(source, Path):
        return bringing.bring(source, arguments, terms)
    where = str(found.uri)
    try:
        normal = normalise(source, tidy=False)
    except UsageError as error:
        raise UsageError(f"{where}: the file {error}") from error
    brought = bringing.tried(where, normal.content, arguments, terms)
    return replace(brought, words=(*normal.changes, *brought.words))


def _files(
    arguments: argparse.Namespace,
    found: Found,
    brought: Brought | None,
    repository: Repository,
    places: Places,
) -> _Files:
    """The typed files of the model, and copies of its artifact."""
    environment = _environment(arguments, repository)
    name, image = found.name, arguments.image or repository.environments.model_server or ""
    team = _owner(arguments, found, repository)
    if brought is None:
        contract, level, release = _pinned(arguments, found, image)
    else:
        contract, level = brought.trial.contract, new.level_of(arguments, brought.trial)
        release = _release(found, brought, level, image, places)
    release = replace(release, provenance=artifacts.provenance(arguments) or _provenance(found))
    about = arguments.description or found.description or new.about(contract)
    model = Model(name, name, team, about, contract, level)
    scale = found.scale or new.REPLICAS
    serving = Serving(name, environment, "r1", {"r1": 100}, None, scale, paused=False)
    return places.copies | {
        layout.model_file(name): scaffold.model_text(model).encode(),
        layout.release_file(name, "r1"): scaffold.release_text(release).encode(),
        layout.serving_file(name, environment): scaffold.serving_text(serving).encode(),
    }


def _owner(arguments: argparse.Namespace, found: Found, repository: Repository) -> str:
    """The team that is said, the one that the namespace is of, or the only one."""
    guessed = (found.owner or "").removeprefix("models-")
    if not arguments.owner and repository.teams.get(guessed):
        return guessed
    return new.owner(arguments, repository)


def _release(
    found: Found, brought: Brought, level: ServiceLevel, image: str, places: Places
) -> scaffold.NewRelease:
    name, measured = f"{found.name}/r1", new.memory(brought)
    is_ample = found.memory and amount(found.memory) >= amount(measured)
    return scaffold.NewRelease(
        artifact=artifacts.artifact(places, brought.content, name),
        graph=brought.graph,
        image=image,
        runtime=_runtime(found, level),
        resources=_resources(found, str(found.memory) if is_ample else measured),
        golden=artifacts.golden(places, brought.golden, name),
        provenance=None,
        contract=scaffold.own_contract(brought.trial.contract, brought.graph),
    )


def _pinned(
    arguments: argparse.Namespace, found: Found, image: str
) -> tuple[Contract, ServiceLevel, scaffold.NewRelease]:
    """A release of a file that nobody here has read: what its platform and the person say of it."""
    pinned = Pinned(
        arguments.uri, arguments.sha256, arguments.bytes, arguments.opset, arguments.ir_version
    )
    answers.refuse_unanswered(answers.unknown_bytes(found, pinned), found.platform)
    contract = found.contract or Contract((), ())
    size_bytes = int(pinned.size_bytes or 0)
    level = ServiceLevel(
        arguments.latency_p99_ms or _USUAL.latency_p99_ms,
        _USUAL.error_rate if arguments.error_rate is None else arguments.error_rate,
        arguments.peak_rps or _USUAL.peak_rps,
    )
    ample = f"{ample_mib(size_bytes)}Mi"
    fits = found.memory and amount(found.memory) >= ample_mib(size_bytes) * MIB
    release = scaffold.NewRelease(
        artifact=Artifact(pinned.uri or str(found.uri), str(pinned.sha256), size_bytes),
        graph=answers.declared_graph(contract, pinned),
        image=image,
        runtime=_runtime(found, level),
        resources=_resources(found, str(found.memory) if fits else ample),
        golden=None,
        provenance=None,
    )
    return contract, level, release


def _runtime(found: Found, level: ServiceLevel) -> Runtime:
    own = new.DEFAULT_RUNTIME
    return replace(
        own,
        providers=found.providers or (_GPU if found.gpu else own.providers),
        threads=found.threads or own.threads,
        max_inflight=found.max_inflight or own.max_inflight,
        batching=found.batching,
        request_timeout_s=scaffold.ample_timeout_s(level, found.request_timeout_s or 1),
    )


def _resources(found: Found, memory: str) -> Resources:
    return Resources(found.cpu or new.DEFAULT_CPU, memory, gpu=found.gpu)


def _provenance(found: Found) -> scaffold.Provenance | None:
    if not found.trained_from:
        return None
    return scaffold.Provenance(found.trained_from, metrics=found.metrics)


def _tell(found: Found) -> None:
    """Print what could not be carried over, and what to do next."""
    if found.left:
        print(f"Not carried over from {found.platform}:")
    for left in found.left:
        print(f"  {left.where}: {left.why}")
    print(f"next: look at apps/{found.name}/, then commit; `modelctl check` says what is amiss")
