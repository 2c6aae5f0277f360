"""Reads a revision of the repository: for each model its plan, or why it is refused here.

A fault in one model, or in another environment, holds back no other model. A model that has
returned to bytes that main applied before is accepted, whatever is wrong with its typed files. Only
what changed since the revision before is read again, and no question costs a process a model.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelctl.check.change import is_about_applied_bytes
from modelctl.check.engine import check_model, check_shared, errors
from modelctl.check.rules.platform import (
    addresses_reachable,
    argocd_facts_whole,
    environments_distinct,
    gateway_distinct,
    limits_sensible,
    network_bounded,
    own_values,
    teams_distinct,
)
from modelctl.errors import GitError, ModelctlError
from modelctl.finding import Finding
from modelctl.gateway.reading import Objects
from modelctl.local.plan.values import ModelPlan, PlanError
from modelctl.local.source.artifacts import ArtifactExport, unwritable
from modelctl.local.source.commits import LastCommits
from modelctl.local.source.contents import artifacts_at, digest, identities, look_at, planned
from modelctl.local.source.environment import require_local
from modelctl.local.source.platform import platform
from modelctl.local.source.protocol import Source
from modelctl.repo import layout
from modelctl.repo.git import Commit
from modelctl.repo.layout import Kind, Pair, place
from modelctl.repo.loading import load
from modelctl.repo.repository import Files, ModelFiles, Repository
from modelctl.repo.tree import Tree

# Files of the repository that the findings of every model depend on.
_LOOKED_AT = frozenset({Kind.ENVIRONMENTS, Kind.TEAMS})
# Rules about what only Argo CD reads: who tries a sample on a laptop has no use for them, and what
# is wrong of a cluster holds back nothing here.
_OF_CLUSTERS = frozenset(
    rule.ID
    for rule in (
        own_values,
        addresses_reachable,
        argocd_facts_whole,
        environments_distinct,
        gateway_distinct,
        limits_sensible,
        network_bounded,
        teams_distinct,
    )
)

CheckFiles = Callable[[Files], Iterable[Finding]]


def check_files(files: Files) -> Iterable[Finding]:
    """The findings of one model, or of what models share."""
    if isinstance(files, ModelFiles):
        return check_model(files)
    shared = check_shared(files) if isinstance(files, Repository) else ()
    return [finding for finding in shared if finding.rule not in _OF_CLUSTERS]


@dataclass(frozen=True, slots=True)
class ModelReading:
    """A model at a revision: its plan, its last commit, and whether its file says paused.

    The commit is None where it lies so far back that it is not known yet.
    """

    plan: ModelPlan
    commit: Commit | None
    paused: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A revision; `refusal` says why nothing of it may run, and then `models` is empty.

    Attributes:
        identities: By model, what tells one state of its folder from another.
        refused: By model, why that one must not run here as this revision has it.
        returned: By model, the commit whose applied bytes it is back at, where that is why it runs.
        unexported: Whether a model is refused only because its artifacts cannot be written now.
        artifacts: By model, the paths outside of its folder that its releases are read from.
        fallbacks: At a start, by model, what its last good commit asks for, where that differs.
        lost: At a start, by model, why there is nothing to fall back on.
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
    unexported: bool = False
    artifacts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fallbacks: Mapping[str, ModelReading] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)


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

    def is_still(self, identity: str, tree: Tree) -> bool:
        """Whether a tree says the same of the model, its artifacts included."""
        return self.identity == identity and self.artifacts == artifacts_at(tree, self.artifacts)


class Reader:
    """Reads revisions of one source for one environment; used by one thread at a time."""

    def __init__(
        self,
        source: Source,
        environment: str,
        export: ArtifactExport,
        check: CheckFiles = check_files,
        *,
        is_local: bool = False,
    ) -> None:
        """`is_local` says that this machine has run the environment before."""
        self._source = source
        self.environment = environment
        self.export = export
        self._check = check
        self._is_local = is_local
        self._known: dict[str, _Known] = {}
        self._last: str | None = None
        self._commits = LastCommits(source)

    def read(self, revision: str) -> Reading:
        """What a revision says; every fault of the repository comes back as a refusal.

        Raises:
            GitError: The repository cannot be read at all.
        """
        commit = self._source.describe(revision)
        rewritten = self._last is not None and not self._source.follows(revision, self._last)
        self._last = revision
        tree = self._source.tree(revision)
        reading = Reading(commit, identities(tree), {}, rewritten=rewritten)
        try:
            return self._read(load(tree), reading)
        except (GitError, OSError):
            raise
        except ModelctlError as error:
            return replace(reading, refusal=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of a rule must not stop the service
            return replace(reading, refusal=f"the check itself failed: {error!r}")

    def require_local(self, revision: str) -> None:
        """Return unless the list of environments says that this machine is not to run this one.

        Raises:
            PlanError: It says so.
        """
        environments = load(self._source.tree(revision)).environments
        if environments.ordered:
            require_local(environments, self.environment)

    def history(self, revision: str, model: str, limit: int) -> tuple[Commit, ...]:
        """The last commits of a model."""
        return self._source.history(revision, layout.model_folder(model), limit)

    def late_commits(self, reading: Reading) -> dict[str, Commit]:
        """The last commits of models that lie so far back that the reading did not wait for them.

        It may run beside other readings, in a thread of its own, until `close`.
        """
        late = {n: reading.identities[n] for n, m in reading.models.items() if m.commit is None}
        return self._commits.of(reading.commit.id, late, limit=None)

    def close(self) -> None:
        """End what runs beside."""
        self._commits.close()

    def _read(self, repository: Repository, reading: Reading) -> Reading:
        self._require_environment(repository)
        shared = tuple(self._check(repository))
        self._known = self._all_known(repository, reading)
        here = {name: known for name, known in self._known.items() if known.is_here}
        refused, returned = self._judged(reading, shared, here)
        models: dict[str, ModelPlan] = {}
        unexported = False
        for name, known in here.items():
            if name in refused or not known.applied:
                continue
            try:
                models[name] = self._model(repository.tree, known)
            except PlanError as error:
                refused[name] = str(error)
            except OSError as error:
                refused[name] = unwritable(error)
                unexported = True
        commits = self._commits.of(reading.commit.id, {n: reading.identities[n] for n in models})
        findings = {*shared, *(f for known in self._known.values() for f in known.findings)}
        return replace(
            reading,
            models={
                name: ModelReading(plan, commits.get(name), here[name].paused)
                for name, plan in models.items()
            },
            findings=tuple(sorted(findings)),
            refused=refused,
            returned={name: former for name, former in returned.items() if name in models},
            unexported=unexported,
            artifacts={name: tuple(known.artifacts) for name, known in here.items()},
            platform=platform(repository, self.environment),
        )

    def _require_environment(self, repository: Repository) -> None:
        """Return if this machine is meant to run the environment, else raise `PlanError`.

        Where the list of environments cannot be read now, what it said last counts.
        """
        if repository.environments.ordered:
            self._is_local = False
            require_local(repository.environments, self.environment)
            self._is_local = True
        if not self._is_local:
            faults = [f for f in repository.faults if place(f.path).kind is Kind.ENVIRONMENTS]
            raise PlanError(str(faults[0]) if faults else f"{layout.ENVIRONMENTS}: found no list")

    def _all_known(self, repository: Repository, reading: Reading) -> dict[str, _Known]:
        """What is known of every model, those read anew that have changed."""
        common = digest(
            item for item in repository.entries.items() if place(item[0]).kind in _LOOKED_AT
        )
        names = repository.folders
        now = {name: reading.identities.get(name, "") + common for name in names}
        tree = repository.tree
        look_at(tree, (path for known in self._known.values() for path in known.artifacts))
        kept = {n: k for n, k in self._known.items() if n in now and k.is_still(now[n], tree)}
        changed = {name: repository.model(name) for name in names if name not in kept}
        look_at(tree, (path for files in changed.values() for path in files.artifact_paths))
        return {
            name: kept.get(name) or self._looked_at(tree, now[name], changed[name])
            for name in names
        }

    def _looked_at(self, tree: Tree, identity: str, files: ModelFiles) -> _Known:
        name = files.folder
        before = self._known.get(name)
        own = files.generated.items()
        applied = {p: c for p, c in own if place(p).pair == (name, self.environment)}
        serving = files.servings.get(self.environment)
        is_itself = files.model is None or files.model.name == name
        return _Known(
            identity if is_itself else "",  # what a misnamed one is depends on others
            artifacts=artifacts_at(tree, files.artifact_paths),
            findings=tuple(self._check(files)),
            is_here=bool(applied) or layout.serving_file(name, self.environment) in files.entries,
            applied=applied,
            deployed=frozenset(serving.deployed) if serving else None,
            # A file that cannot be read now says what it said last.
            paused=serving.paused if serving else bool(before and before.paused),
            plan=planned(name, applied),
        )

    def _judged(
        self, reading: Reading, shared: Sequence[Finding], here: Mapping[str, _Known]
    ) -> tuple[dict[str, str], dict[str, Commit]]:
        """By model, why it is refused; and the commit that a faulty one is back at, and may run."""
        refused: dict[str, str] = {}
        excusable: dict[Pair, Mapping[str, bytes]] = {}
        for name, known in here.items():
            faults = errors(sorted({*shared, *known.findings}))
            concerned = [fault for fault in faults if self._is_concerned(fault, name, known)]
            dangers = [fault for fault in concerned if is_about_applied_bytes(fault)]
            if concerned:
                refused[name] = _told(dangers or concerned)
            if concerned and known.applied and not dangers:
                excusable[name, self.environment] = known.applied
        formers = self._source.formers(reading.commit.id, excusable) if excusable else {}
        returned = {name: former for (name, _), former in formers.items()}
        return {n: reason for n, reason in refused.items() if n not in returned}, returned

    def _is_concerned(self, fault: Finding, name: str, known: _Known) -> bool:
        """Whether a fault is one of what this environment serves of a model."""
        where = place(fault.path)
        if where.kind in (Kind.ENVIRONMENTS, Kind.OTHER) and not where.model:
            return where.kind is Kind.ENVIRONMENTS
        if where.model != name:
            return False
        if where.kind is Kind.RELEASE and known.deployed is not None:
            return where.release in known.deployed
        return where.pair is None or where.environment == self.environment

    def _model(self, tree: Tree, known: _Known) -> ModelPlan:
        if isinstance(known.plan, PlanError):
            raise known.plan
        if known.plan is None:
            raise PlanError("nothing is rendered")
        return self.export.exported(tree, known.plan)


def _told(faults: Sequence[Finding]) -> str:
    """The first fault, and how many more there are."""
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"{faults[0]}{more}"
