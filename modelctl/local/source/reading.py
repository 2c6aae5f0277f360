"""Reads a revision of the repository: for each model its plan, or why it is refused here.

A fault in one model, or in another environment, holds back no other model. A model that has
returned to bytes that main applied before is accepted, whatever is wrong with its typed files. Only
what changed since the revision before is read again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelctl.check.change import is_about_applied_bytes
from modelctl.check.engine import check_model, check_shared, errors
from modelctl.errors import GitError, ModelctlError
from modelctl.finding import Finding
from modelctl.gateway.reading import Objects
from modelctl.local.plan.objects import model_plan, parse
from modelctl.local.plan.values import ModelPlan, PlanError
from modelctl.local.source.artifacts import ArtifactExport
from modelctl.local.source.platform import platform
from modelctl.local.source.repositories import Source
from modelctl.nearest import hint
from modelctl.repo import layout
from modelctl.repo.git import Commit
from modelctl.repo.layout import Kind, place
from modelctl.repo.loading import load
from modelctl.repo.repository import Files, ModelFiles, Repository
from modelctl.repo.tree import Entry, Tree

# Files of the repository that the findings of every model depend on.
_LOOKED_AT = frozenset({Kind.ENVIRONMENTS, Kind.PROJECT})

CheckFiles = Callable[[Files], Iterable[Finding]]


def check_files(files: Files) -> Iterable[Finding]:
    """The findings of one model, or of what models share."""
    if isinstance(files, ModelFiles):
        return check_model(files)
    return check_shared(files) if isinstance(files, Repository) else ()


@dataclass(frozen=True, slots=True)
class ModelReading:
    """A model at a revision: its plan, its last commit, and whether its file says paused."""

    plan: ModelPlan
    commit: Commit
    paused: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A revision; `refusal` says why nothing of it may run, and then `models` is empty.

    `refused` says, by model, why that one must not run here as this revision has it, while the
    others may. `returned` names, by model, the commit whose applied bytes it is back at, where
    that is why it may run. `identities` tells, by model, one state of its folder from another.
    """

    commit: Commit
    identities: Mapping[str, str]
    models: Mapping[str, ModelReading]
    findings: tuple[Finding, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    returned: Mapping[str, Commit] = field(default_factory=dict)
    refusal: str | None = None
    rewritten: bool = False
    platform: Objects | None = None  # what is rendered for all models; None for nothing


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of one state of a model: its findings, and what is applied here."""

    identity: str
    artifacts: Mapping[str, str]  # by path outside of the model's folder, what was there
    findings: tuple[Finding, ...]
    is_here: bool  # whether anything asks for it in this environment
    applied: Mapping[str, bytes]
    deployed: frozenset[str] | None  # by the serving file; None where that cannot be read
    paused: bool
    plan: ModelPlan | PlanError | None
    commit: Commit | None

    def is_still(self, identity: str, tree: Tree) -> bool:
        """Whether a tree says the same of the model, its artifacts included."""
        return self.identity == identity and self.artifacts == _artifacts(tree, self.artifacts)


class Reader:
    """Reads revisions of one source for one environment; used by one thread at a time."""

    def __init__(
        self,
        source: Source,
        environment: str,
        export: ArtifactExport,
        check: CheckFiles = check_files,
    ) -> None:
        self._source = source
        self._environment = environment
        self._export = export
        self._check = check
        self._is_local = False
        self._known: dict[str, _Known] = {}
        self._last: str | None = None

    def read(self, revision: str) -> Reading:
        """What a revision says; every fault of the repository comes back as a refusal.

        Raises:
            GitError: The repository cannot be read at all.
            OSError: An artifact cannot be written to the state folder.
        """
        commit = self._source.describe(revision)
        rewritten = self._last is not None and not self._source.follows(revision, self._last)
        self._last = revision
        tree = self._source.tree(revision)
        reading = Reading(commit, _identities(tree), {}, rewritten=rewritten)
        try:
            return self._read(load(tree), reading)
        except (GitError, OSError):
            raise
        except ModelctlError as error:
            return replace(reading, refusal=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of a rule must not stop the service
            return replace(reading, refusal=f"the check itself failed: {error!r}")

    def history(self, revision: str, model: str, limit: int) -> tuple[Commit, ...]:
        """The last commits of a model."""
        return self._source.history(revision, layout.model_folder(model), limit)

    def _read(self, repository: Repository, reading: Reading) -> Reading:
        self._require_environment(repository)
        shared = tuple(self._check(repository))
        common = _digest(
            item for item in repository.entries.items() if place(item[0]).kind in _LOOKED_AT
        )
        self._known = {
            name: self._looked_at(repository, reading, name, common) for name in repository.folders
        }
        models: dict[str, ModelReading] = {}
        refused: dict[str, str] = {}
        returned: dict[str, Commit] = {}
        for name, known in self._known.items():
            if not known.is_here:
                continue
            try:
                former = self._excuse(
                    reading, name, known, errors(sorted({*shared, *known.findings}))
                )
                if known.applied:
                    models[name] = self._model(repository.tree, known)
            except PlanError as error:
                refused[name] = str(error)
            else:
                returned |= {name: former} if former is not None else {}
        findings = {*shared, *(f for known in self._known.values() for f in known.findings)}
        return replace(
            reading,
            models=models,
            findings=tuple(sorted(findings)),
            refused=refused,
            returned=returned,
            platform=platform(repository, self._environment),
        )

    def _require_environment(self, repository: Repository) -> None:
        """Return if this machine is meant to run the environment, else raise `PlanError`.

        Where the list of environments cannot be read now, what it said last counts.
        """
        ordered = repository.environments.ordered
        found = repository.environments.get(self._environment)
        self._is_local = found.engine == "local" if ordered and found else self._is_local
        if self._is_local and (found or not ordered):
            return
        faults = [str(f) for f in repository.faults if place(f.path).kind is Kind.ENVIRONMENTS]
        near = hint(self._environment, [e.name for e in ordered])
        said = f"no such environment ({near})" if found is None else f"engine: {found.engine}"
        local = ", ".join(e.name for e in ordered if e.engine == "local")
        raise PlanError(
            faults[0]
            if faults
            else f"{layout.ENVIRONMENTS}: environment {self._environment}: found {said}, expected "
            f"one with engine: local ({local or 'none is there'}); choose it with --env"
        )

    def _looked_at(
        self, repository: Repository, reading: Reading, name: str, common: str
    ) -> _Known:
        identity = reading.identities.get(name, "") + common
        known = self._known.get(name)
        if known is not None and known.is_still(identity, repository.tree):
            return known
        files = repository.model(name)
        own = files.generated.items()
        applied = {p: c for p, c in own if place(p).pair == (name, self._environment)}
        serving = files.servings.get(self._environment)
        commits = self.history(reading.commit.id, name, 1) if applied else ()
        is_itself = files.model is None or files.model.name == name
        return _Known(
            identity if is_itself else "",  # what a misnamed one is depends on others
            artifacts=_artifacts(repository.tree, files.artifact_paths),
            findings=tuple(self._check(files)),
            is_here=bool(applied) or layout.serving_file(name, self._environment) in files.entries,
            applied=applied,
            deployed=frozenset(serving.deployed) if serving else None,
            # A file that cannot be read now says what it said last.
            paused=serving.paused if serving else bool(known and known.paused),
            plan=_plan(name, applied),
            commit=commits[0] if commits else reading.commit,
        )

    def _excuse(
        self, reading: Reading, name: str, known: _Known, faults: Iterable[Finding]
    ) -> Commit | None:
        """The commit that a faulty model is back at; None where nothing is wrong with it here.

        Raises:
            PlanError: Something is wrong, and its bytes are new.
        """
        concerned = [fault for fault in faults if self._is_concerned(fault, name, known)]
        if not concerned:
            return None
        dangers = [fault for fault in concerned if is_about_applied_bytes(fault)]
        former = None
        if known.applied and not dangers:
            pair = (name, self._environment)
            former = self._source.former(reading.commit.id, pair, known.applied)
        if former is None:
            raise PlanError(_told(dangers or concerned))
        return former

    def _is_concerned(self, fault: Finding, name: str, known: _Known) -> bool:
        """Whether a fault is one of what this environment serves of a model."""
        where = place(fault.path)
        if where.kind in (Kind.ENVIRONMENTS, Kind.OTHER) and not where.model:
            return where.kind is Kind.ENVIRONMENTS
        if where.model != name:
            return False
        if where.kind is Kind.RELEASE and known.deployed is not None:
            return where.release in known.deployed
        return where.pair is None or where.environment == self._environment

    def _model(self, tree: Tree, known: _Known) -> ModelReading:
        if isinstance(known.plan, PlanError):
            raise known.plan
        if known.plan is None or known.commit is None:
            raise PlanError("nothing is rendered")
        return ModelReading(self._export.exported(tree, known.plan), known.commit, known.paused)


def _artifacts(tree: Tree, paths: Iterable[str]) -> dict[str, str]:
    """By path, what is there; empty for nothing."""
    entries = ((path, tree.entry(path)) for path in paths)
    return {path: entry.identity if entry else "" for path, entry in entries}


def _plan(name: str, applied: Mapping[str, bytes]) -> ModelPlan | PlanError | None:
    try:
        return model_plan(name, (parse(p, c) for p, c in applied.items())) if applied else None
    except PlanError as error:
        return error


def _identities(tree: Tree) -> dict[str, str]:
    """By model, a digest of every file that belongs to it."""
    files: dict[str, list[tuple[str, Entry]]] = {}
    for path, entry in tree.entries.items():
        if model := place(path).model:
            files.setdefault(model, []).append((path, entry))
    return {model: _digest(entries) for model, entries in files.items()}


def _digest(entries: Iterable[tuple[str, Entry]]) -> str:
    digest = hashlib.sha256()
    for path, entry in entries:
        digest.update(f"{path}\0{entry.kind}\0{entry.identity}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _told(faults: Sequence[Finding]) -> str:
    """The first fault, and how many more there are."""
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"{faults[0]}{more}"
