"""From a revision of the repository to what should run: accepted with a plan a model, or refused.

Only what changed since the revision before is parsed again, so that a change of weights in one
model costs one model.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modelctl.errors import GitError, ModelctlError
from modelctl.finding import Finding, Level
from modelctl.local.plan.objects import model_plan, parse
from modelctl.local.plan.values import ModelPlan, PlanError
from modelctl.local.source.artifacts import ArtifactExport
from modelctl.local.source.repositories import Source
from modelctl.nearest import hint
from modelctl.repo import layout
from modelctl.repo.git import Commit
from modelctl.repo.tree import EntryKind, Tree

Check = Callable[[Tree], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class ModelReading:
    """A model at a revision: its plan, its last commit, and whether its file says paused."""

    plan: ModelPlan
    commit: Commit
    paused: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A revision; `refusal` says why nothing of it may run, and then `models` is empty.

    `refused` says, by model, why that one must not run as this revision has it, while the others
    may: a fault in one model never holds back the rollback of another. `identities` tells, by
    model, one state of its folder from another.
    """

    commit: Commit
    identities: Mapping[str, str]
    models: Mapping[str, ModelReading]
    findings: tuple[Finding, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    refusal: str | None = None
    rewritten: bool = False


class Reader:
    """Reads revisions of one source for one environment; used by one thread at a time."""

    def __init__(
        self, source: Source, environment: str, check: Check, export: ArtifactExport
    ) -> None:
        self._source = source
        self._environment = environment
        self._check = check
        self._export = export
        self._known: dict[str, tuple[str, ModelReading]] = {}
        self._last: str | None = None

    def read(self, revision: str) -> Reading:
        """What a revision says; every fault of the repository comes back as a refusal.

        Raises:
            GitError: the repository cannot be read at all.
            OSError: an artifact cannot be written to the state folder.

        """
        commit = self._source.describe(revision)
        rewritten = self._last is not None and not self._source.follows(revision, self._last)
        self._last = revision
        tree = self._source.tree(revision)
        reading = Reading(commit, _identities(tree), {}, rewritten=rewritten)
        try:
            return self._checked(tree, reading)
        except (GitError, OSError):
            raise
        except ModelctlError as error:
            return replace(reading, refusal=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of a rule must not stop the service
            return replace(reading, refusal=f"the check itself failed: {error!r}")

    def history(self, revision: str, model: str, limit: int) -> tuple[Commit, ...]:
        """The last commits of a model."""
        return self._source.history(revision, f"{layout.APPS}/{model}", limit)

    def _checked(self, tree: Tree, reading: Reading) -> Reading:
        findings = tuple(self._check(tree))
        faults = [finding for finding in findings if finding.level is Level.ERROR]
        common = [fault for fault in faults if _model_of(fault.path) is None]
        if common:
            return replace(reading, findings=findings, refusal=_told(common))
        self._require_environment(tree)
        refused = {
            name: _told([fault for fault in faults if _model_of(fault.path) == name])
            for name in sorted({str(_model_of(fault.path)) for fault in faults})
        }
        models: dict[str, ModelReading] = {}
        for name, objects in self._objects(tree).items():
            if name not in refused:
                try:
                    models[name] = self._model(tree, reading, name, objects)
                except PlanError as error:
                    refused[name] = str(error)
        self._known = {name: (reading.identities[name], models[name]) for name in models}
        return replace(reading, models=models, findings=findings, refused=refused)

    def _require_environment(self, tree: Tree) -> None:
        """PlanError unless the environment is one that this machine is meant to run."""
        path = layout.ENVIRONMENTS
        ordered = parse(path, tree.read(path)).get("environments").items()
        engines = {item.get("name").text(): item.get("engine").text() for item in ordered}
        engine = engines.get(self._environment)
        if engine != "local":
            near = f"no such environment ({hint(self._environment, engines)})"
            found = near if engine is None else f"engine: {engine}"
            local = ", ".join(name for name, its in engines.items() if its == "local")
            raise PlanError(
                f"{path}: environment {self._environment}: found {found}, expected one with "
                f"engine: local ({local or 'none is there'}); choose it with --env"
            )

    def _objects(self, tree: Tree) -> dict[str, list[str]]:
        """The rendered files of each model that the environment serves."""
        found: dict[str, list[str]] = {}
        for path in tree.entries:
            name = _model_of(path)
            if name and path.startswith(layout.rendered_folder(name, self._environment) + "/"):
                found.setdefault(name, []).append(path)
        return found

    def _model(self, tree: Tree, reading: Reading, name: str, objects: list[str]) -> ModelReading:
        identity, model = self._known.get(name, ("", None))
        if model is None or identity != reading.identities[name]:
            plan = model_plan(name, (parse(path, tree.read(path)) for path in objects))
            commits = self.history(reading.commit.id, name, 1)
            commit = commits[0] if commits else reading.commit
            model = ModelReading(plan, commit, self._paused(tree, name))
        return replace(model, plan=self._export.exported(tree, model.plan))

    def _paused(self, tree: Tree, name: str) -> bool:
        path = layout.serving_file(name, self._environment)
        document = parse(path, tree.read(path))
        return document.get("paused").value is True


def _identities(tree: Tree) -> dict[str, str]:
    """By model, a digest of every file below its folder."""
    digests: dict[str, Any] = {}
    for path, entry in tree.entries.items():
        name = _model_of(path)
        if name and entry.kind is EntryKind.FILE:
            identity = entry.identity or hashlib.sha256(tree.read(path)).hexdigest()
            digests.setdefault(name, hashlib.sha256()).update(f"{path}\0{identity}\0".encode())
    return {name: digest.hexdigest() for name, digest in digests.items()}


def _model_of(path: str) -> str | None:
    """The model that a path belongs to, by its folder or its Application; None for the rest."""
    if path.startswith(f"{layout.APPLICATIONS}/"):
        return path.rsplit("/", 1)[1].removesuffix(".yaml")
    root, *below = path.split("/")
    return below[0] if root == layout.APPS and len(below) > 1 else None


def _told(faults: Sequence[Finding]) -> str:
    """The first fault, and how many more there are."""
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"{faults[0]}{more}"
