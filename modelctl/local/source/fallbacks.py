"""What a start has to fall back on: of each model the state that an earlier run served last."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from modelctl.errors import GitError
from modelctl.local.plan.values import PlanError
from modelctl.local.source.artifacts import ArtifactExport, unwritable
from modelctl.local.source.contents import applied_at, artifacts_at, look_at, planned
from modelctl.local.source.protocol import Source
from modelctl.local.source.reading import ModelReading, Reading
from modelctl.repo.layout import Pair
from modelctl.repo.tree import Tree

_SEARCHED = 256  # commits, for the one that made a last good state


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """Adds to a reading, by model, what its last good commit asks for."""

    source: Source
    environment: str
    export: ArtifactExport

    def added(self, reading: Reading, good: Mapping[str, str]) -> Reading:
        """The reading with the last good state of each model that asks for something else by now.

        A model that is refused has it, one that is paused, and one whose newest release may not
        start. Where the reading says that a model is gone, so is its last good state.
        """
        by_commit: dict[str, list[str]] = {}
        for name, commit in good.items():
            if reading.refusal is not None or name in {*reading.refused, *reading.models}:
                by_commit.setdefault(commit, []).append(name)
        found: dict[str, ModelReading] = {}
        lost: dict[str, str] = {}
        for commit, names in by_commit.items():
            try:
                found |= self._at(commit, names, reading, lost)
            except GitError as error:
                words = f"its last good state, {commit[:12]}, cannot be read any more: {error}"
                lost |= dict.fromkeys(names, words)
        return replace(reading, fallbacks=found, lost=lost)

    def _at(
        self, commit: str, names: list[str], reading: Reading, lost: dict[str, str]
    ) -> dict[str, ModelReading]:
        """The states of some models at a commit, those left out that are as in the reading."""
        same = [n for n in names if commit == reading.commit.id and n in reading.models]
        found = {n: reading.models[n] for n in same if reading.models[n].paused}
        sought = [name for name in names if name not in same]
        if not sought:
            return found
        tree, now = self.source.tree_beside(commit), self.source.tree_beside(reading.commit.id)
        paths = [path for name in sought for path in reading.artifacts.get(name, ())]
        for each in (tree, now):
            look_at(each, paths)
        for name in sought:
            model = reading.models.get(name)
            if model is not None and self._is_same(name, reading, tree, now):
                found |= {name: model} if model.paused else {}
                continue
            try:
                found |= self._model(name, tree)
            except (PlanError, OSError) as error:
                why = unwritable(error) if isinstance(error, OSError) else error
                lost[name] = f"its last good state, {commit[:12]}, cannot run: {why}"
        commits = self.source.last_commits(commit, list(found), limit=_SEARCHED)
        return {name: replace(m, commit=commits.get(name)) for name, m in found.items()}

    def _is_same(self, name: str, reading: Reading, before: Tree, now: Tree) -> bool:
        """Whether the same bytes are applied in two trees, with the same artifacts."""
        pair, paths = (name, self.environment), reading.artifacts.get(name, ())
        return applied_at(before, pair) == applied_at(now, pair) and artifacts_at(
            before, paths
        ) == artifacts_at(now, paths)

    def _model(self, name: str, tree: Tree) -> dict[str, ModelReading]:
        pair: Pair = (name, self.environment)
        plan = planned(name, {path: tree.read(path) for path in applied_at(tree, pair)})
        if isinstance(plan, PlanError):
            raise plan
        if plan is None:
            return {}
        return {name: ModelReading(self.export.exported(tree, plan), None, paused=False)}
