"""Compares generated files, byte by byte, with what the typed files give."""

from collections.abc import Mapping
from functools import lru_cache

from modelctl.render import Shared, generated, generated_shared
from modelctl.render.charts import charts, sites
from modelctl.render.moves import moves
from modelctl.render.shared import typed_file
from modelctl.repo import layout
from modelctl.repo.layout import Kind, Pair, place
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import EntryKind


@lru_cache(maxsize=4)
def expected(files: ModelFiles) -> Mapping[str, bytes]:
    """Every generated file as it should be; kept for the models that were asked about last."""
    return {path: text.encode() for path, text in generated(files).items()}


@lru_cache(maxsize=4)
def expected_pairs(files: ModelFiles) -> frozenset[Pair]:
    """Every pair of the model and an environment that something is rendered for."""
    return frozenset(pair for path in expected(files) if (pair := place(path).pair))


def never_rendered(files: ModelFiles) -> frozenset[Pair]:
    """The pairs whose environment has no rendered file of the model, and should have some."""
    there = {place(path).pair for path in files.generated if place(path).kind is Kind.RENDERED}
    return frozenset(pair for pair in expected_pairs(files) if pair not in there)


def stale(files: ModelFiles) -> list[str]:
    """Generated files that are missing or differ, where the model was rendered before; sorted."""
    skipped = never_rendered(files)
    return sorted(
        path
        for path, content in expected(files).items()
        if files.generated.get(path) != content
        and (path in files.generated or path not in files.entries)
        and place(path).pair not in skipped
    )


def orphans(files: ModelFiles) -> list[str]:
    """Generated files that the typed files do not give any more; sorted.

    Where the model is served and its typed files have a fault, nothing can be rendered: what was
    rendered before is then no orphan.
    """
    if not files.environments.ordered:
        return []
    wanted, rendered = expected(files), expected_pairs(files)
    return sorted(
        path
        for path in files.generated
        if path not in wanted
        and not (
            (pair := place(path).pair) and pair not in rendered and _may_be_served(files, pair)
        )
    )


def _may_be_served(files: ModelFiles, pair: Pair) -> bool:
    """Whether the serving file is there, or something that is no folder stands in its way."""
    serving = layout.serving_file(*pair)
    above = [layout.APPS, layout.model_folder(files.folder), serving.rpartition("/")[0]]
    both = (files.entries, files.repository.entries)
    return serving in files.entries or any(
        path in entries and entries[path].kind is not EntryKind.FILE
        for path in above
        for entries in both
    )


def render_changes(files: ModelFiles) -> dict[str, bytes | None]:
    """What rendering would write, or with None remove: only files that differ."""
    changes: dict[str, bytes | None] = {
        path: content
        for path, content in expected(files).items()
        if files.generated.get(path) != content
    }
    return changes | dict.fromkeys(orphans(files))


@lru_cache(maxsize=4)
def expected_shared(repository: Repository, *, exact: bool = False) -> Mapping[str, bytes]:
    """Every file that is generated for no model alone, as it should be.

    Models that move have a part in it. They are looked for only where the projects are not what
    they are without any move, unless it has to be `exact`; `stale_projects` tells of the others.
    """
    still = _shared(repository, {})
    there = repository.generated
    is_still = all(
        there.get(path) == content
        for path, content in still.items()
        if place(path).kind is Kind.PROJECT
    )
    return still if is_still and not exact else _shared(repository, moves(repository))


def stale_projects(files: ModelFiles) -> dict[str, bytes]:
    """The projects that do not let a model of theirs take along what it left elsewhere."""
    if files.model is None or files.model.moved_from is None:
        return {}
    expected, there = expected_shared(files.repository, exact=True), files.repository.generated
    paths = [layout.project_file(each.name, files.model.owner) for each, _ in files.served]
    return {p: expected[p] for p in paths if p in expected and there.get(p) != expected[p]}


def shared_changes(repository: Repository, *, exact: bool = False) -> dict[str, bytes | None]:
    """What rendering would write for no model alone, or with None remove.

    Nothing where the environments cannot be read, and nothing of teams where those cannot: what
    was rendered of them before stays.
    """
    if not repository.environments.ordered:
        return {}
    wanted, there = expected_shared(repository, exact=exact), repository.generated
    changed = {path: content for path, content in wanted.items() if there.get(path) != content}
    orphans = sorted(path for path in there if path not in wanted)
    gone = orphans if repository.teams.ordered else [p for p in orphans if not _is_of_teams(p)]
    return {**changed, **dict.fromkeys(gone)}


def _is_of_teams(path: str) -> bool:
    """Whether a file follows from the teams: one of theirs, or what syncs their namespaces."""
    syncs = layout.platform_application_file(place(path).environment, "namespaces")
    return typed_file(path) == layout.TEAMS or path == syncs


def _shared(
    repository: Repository, former: Mapping[tuple[str, str], frozenset[str]]
) -> dict[str, bytes]:
    written = repository.documents
    shared = Shared(
        repository.environments, repository.teams, charts(written), former, sites(written)
    )
    return {path: text.encode() for path, text in generated_shared(shared).items()}
