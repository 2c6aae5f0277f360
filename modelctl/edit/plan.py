"""From a change of typed files to a plan: what it makes the renderer write, and what `check` says.

An edit is refused for every error that it brings, and for every error in what it makes live, old
or new. Faults elsewhere do not stand in its way.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from modelctl.check.engine import check, errors
from modelctl.check.rules.supply import artifact_fits_git
from modelctl.edit.overlay import Changes, OverlayTree, differing
from modelctl.errors import EditRefusedError
from modelctl.finding import Finding
from modelctl.render import drift
from modelctl.render.moves import FIELD
from modelctl.repo.layout import Kind, Pair, place
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import Tree


@dataclass(frozen=True, slots=True)
class Live:
    """A model in an environment whose traffic an edit changes, and the releases that get more."""

    pair: Pair
    releases: frozenset[str]

    def is_concerned_by(self, finding: Finding) -> bool:
        """Whether a finding is in a file that this traffic depends on."""
        where = place(finding.path)
        if where.pair is not None:
            return where.pair == self.pair
        if where.kind is Kind.RELEASE:
            return where.model == self.pair[0] and where.release in self.releases
        if where.kind is Kind.PROJECT:
            return where.environment == self.pair[1]
        return where.model == self.pair[0] or where.kind is Kind.ENVIRONMENTS


@dataclass(frozen=True, slots=True)
class Plan:
    """An edit that may be written: every file that it changes, generated ones included."""

    changes: Changes = field(repr=False)
    warnings: tuple[Finding, ...] = ()


def plan_edit(tree: Tree, typed: Changes, live: Iterable[Live] = ()) -> Plan:
    """The whole edit that follows from changes to typed files, and nothing of other models.

    Raises:
        EditRefusedError: The result would have an error that is not there now, or one in what
            the edit makes live; or that cannot be rendered.
    """
    _refuse_too_large(typed)
    wanted = tuple(live)
    models = sorted({place(path).model for path in typed} - {""})
    before, middle = load(tree), load(OverlayTree(tree, typed))
    rendered = _rendered(middle, models, typed, wanted)
    if _is_about_a_move(tree, typed):
        rendered |= _projects(middle)
    after = load(OverlayTree(tree, dict(typed) | rendered))
    findings = check(after, models)
    _refuse(findings, known=check(before, models), live=wanted)
    changes = differing(tree, dict(typed) | rendered)
    warnings = tuple(f for f in findings if f not in errors(findings) and f.path in changes)
    return Plan(changes, warnings)


def _refuse_too_large(typed: Changes) -> None:
    """Refuse to write what a host of the repository would refuse to take."""
    for path, content in typed.items():
        if content is not None and len(content) > artifact_fits_git.MOST_BYTES:
            raise EditRefusedError(
                f"nothing was written; {path} has {len(content)} bytes, expected at most "
                f"{artifact_fits_git.MOST_BYTES} in git: keep it in the store, which is the "
                "default, or where --artifacts-at names a place outside of this repository"
            )


def _rendered(
    repository: Repository, models: Iterable[str], typed: Changes, live: Collection[Live]
) -> dict[str, bytes | None]:
    """The generated files that the edit changes; None removes one.

    Where a serving file changes, those of its environment; where `model.yaml` does, those of every
    environment. A new release file changes none: nothing serves it yet.
    """
    changes: dict[str, bytes | None] = {}
    for model in models:
        files = repository.model(model)
        places = [place(path) for path in typed if place(path).model == model]
        everywhere = any(where.kind is Kind.MODEL for where in places)
        pairs = {where.pair for where in places if where.kind is Kind.SERVING}
        pairs |= {each.pair for each in live if each.pair[0] == model}
        _refuse_unrendered(files, live)
        rendered = drift.render_changes(files).items()
        changes |= {p: c for p, c in rendered if everywhere or place(p).pair in pairs}
    return changes


def _is_about_a_move(tree: Tree, typed: Changes) -> bool:
    """Whether a change says of a model, or no longer says, that it moves between teams."""
    paths = [path for path in typed if place(path).kind is Kind.MODEL]
    before = [tree.read(path) for path in paths if tree.entry(path) is not None]
    after = [typed[path] or b"" for path in paths]
    return any(FIELD in content for content in (*before, *after))


def _projects(repository: Repository) -> dict[str, bytes | None]:
    """The projects that a move changes."""
    changes = drift.shared_changes(repository, exact=True).items()
    return {path: content for path, content in changes if place(path).kind is Kind.PROJECT}


def _refuse_unrendered(files: ModelFiles, live: Iterable[Live]) -> None:
    """Refuse an edit whose result cannot be rendered: nothing that is applied would change."""
    for each in live:
        if each.pair[0] == files.folder and each.pair not in drift.expected_pairs(files):
            shared = (f for f in files.repository.faults if place(f.path).kind is Kind.ENVIRONMENTS)
            faults = [*files.faults, *shared] or errors(check(files.repository, [files.folder]))
            raise EditRefusedError(_refusal("it cannot be rendered", faults))


def _refuse(findings: list[Finding], known: list[Finding], live: Collection[Live]) -> None:
    before = {_identity(finding) for finding in errors(known)}
    refused = [
        finding
        for finding in errors(findings)
        if _identity(finding) not in before or any(each.is_concerned_by(finding) for each in live)
    ]
    if refused:
        raise EditRefusedError(_refusal("the result would have", refused))


def _refusal(why: str, findings: Iterable[Finding]) -> str:
    shown = "\n  ".join(map(str, findings))
    return f"nothing was written; {why}:\n  {shown}"


def _identity(finding: Finding) -> tuple[str, str, str]:
    return finding.path, finding.rule, finding.message
