"""Who answers for a folder is said of a folder that is there, and of the right team.

## What it does
Reads CODEOWNERS where GitHub, GitLab and Gitea look for it, and refuses a line whose folder is not
there, an owner that is neither `@name`, `@organization/team` nor an address, and one that is nearly
a team of `argocd/teams.yaml`. Of a model it refuses the line that gives its folder to another team
of `argocd/teams.yaml` than its owner.

## Why
A line that is not understood counts for nothing: whoever may push can then merge without a review
of those who are paged. A reviewer of another team approves what they never see again.

## Bad
```
/apps/digits-cnn/  @acme/forecasting
```

## Good
```
/apps/digits-cnn/  @acme/vision
```
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache

from modelctl.finding import Level, Position, Scope, Violation
from modelctl.nearest import hint
from modelctl.repo import layout
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.documents import MAX_BYTES
from modelctl.repo.repository import Files, ModelFiles, Repository
from modelctl.repo.scalars import short
from modelctl.repo.tree import EntryKind

ID = "codeowners-sound"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_OWNER = re.compile(r"@[A-Za-z0-9][-\w./]*|@@[a-z]+|[^@\s]+@[^@\s]+")
_SECTION = re.compile(r"\^?\[[^\]]+\](\[[0-9]+\])?")
_WORD = re.compile(r"\S+")
_WILD = re.compile(r"[*?\[]")
_NEAR = 0.8  # of difflib, 0 to 1: two letters exchanged in a word of six


@dataclass(frozen=True, slots=True)
class _Line:
    """A pattern and its owners, each with its place."""

    path: str
    pattern: str
    at: Position
    owners: tuple[tuple[str, Position], ...]

    def teams(self, known: frozenset[str]) -> list[str]:
        """The owners that are teams of this repository."""
        return [name for name in map(_team, (o for o, _ in self.owners)) if name in known]


@dataclass(frozen=True, slots=True)
class _Owners:
    """The lines of the file; those of one model alone by model, and those of patterns."""

    lines: tuple[_Line, ...] = ()
    of_models: Mapping[str, tuple[int, ...]] = ()  # type: ignore[assignment]  # nothing of nothing
    wild: tuple[int, ...] = ()


def check(files: Files) -> Iterator[Violation]:
    """One finding for each line that counts for nothing, and each model of another team's."""
    if isinstance(files, Repository):
        for line in _owners(files).lines:
            yield from _folder(files, line)
            yield from _names(files, line)
    elif isinstance(files, ModelFiles) and files.model is not None:
        yield from _of_a_model(files, files.model.owner)


def _folder(files: Repository, line: _Line) -> Iterator[Violation]:
    pattern = line.pattern
    if pattern.startswith("!"):
        message = f"found {short(pattern)}, expected no exclamation mark: no host reads it"
        yield Violation(line.path, line.at, message, "write the line of the folder behind it")
        return
    literal = _WILD.split(pattern)[0]
    folder = (literal if literal == pattern else literal.rpartition("/")[0]).strip("/")
    if not pattern.startswith("/") and "/" not in folder:
        return  # a name, at any depth
    if folder and not files.tree.names(folder) and files.tree.entry(folder) is None:
        parent = folder.rpartition("/")[0]
        beside = files.tree.names(parent) if parent else ()
        near = [f"/{parent}/{name}/" for name in beside]
        message = f"found {short(pattern)}, expected a folder that is there"
        remedy = hint(f"/{folder}/", near, otherwise="remove the line, or mend it")
        yield Violation(line.path, line.at, message, remedy)


def _names(files: Repository, line: _Line) -> Iterator[Violation]:
    known = [team.name for team in files.teams.ordered]
    for owner, at in line.owners:
        if not _OWNER.fullmatch(owner):
            message = f"found the owner {short(owner)}, expected @name, @organization/team or mail"
            yield Violation(line.path, at, message, f"write @{owner.lstrip('@')}")
            continue
        name = _team(owner)
        near = get_close_matches(name, known, 1, _NEAR) if name and name not in known else ()
        if near:
            message = f"found the team {short(name)}, expected one of {layout.TEAMS}"
            yield Violation(line.path, at, message, f"did you mean {near[0]}?")


def _of_a_model(files: ModelFiles, owner: str) -> Iterator[Violation]:
    found, known = _owners(files.repository), _known(files.repository)
    path = layout.model_file(files.folder)
    if not found.lines or owner not in known:
        return
    matching = [i for i in found.wild if _matches(found.lines[i].pattern, path)]
    matching += found.of_models.get(files.folder, ())
    if not matching:
        return
    line = found.lines[max(matching)]
    teams = line.teams(known)
    if teams and owner not in teams:
        message = f"found {', '.join(teams)} for {layout.model_folder(files.folder)}, "
        message += f"expected its owner {owner}"
        yield Violation(line.path, line.at, message, f"name {owner}, or change the model's owner")


def _team(owner: str) -> str:
    """The team of `@organization/team` or of `@organization/group/team`; empty for a person."""
    return owner.rpartition("/")[2] if owner.startswith("@") and "/" in owner else ""


def _matches(pattern: str, path: str) -> bool:
    """Whether a pattern of a folder above, or one with stars, covers a file."""
    anchored = pattern.strip("/")
    if not anchored:
        return True
    if "/" not in pattern.rstrip("/"):  # a name, at any depth
        return any(fnmatchcase(part, anchored) for part in path.split("/"))
    flat = anchored.replace("**", "*")
    return fnmatchcase(path, flat) or fnmatchcase(path, f"{flat}/*")


@lru_cache(maxsize=4)
def _known(repository: Repository) -> frozenset[str]:
    return frozenset(team.name for team in repository.teams.ordered)


@lru_cache(maxsize=4)
def _owners(repository: Repository) -> _Owners:
    tree = repository.tree
    if isinstance(tree, CommitTree):
        tree.look_at(_PLACES)
    for path in _PLACES:
        entry = tree.entry(path)
        if entry and entry.kind is EntryKind.FILE and entry.size_bytes <= MAX_BYTES:
            lines = tuple(_lines(path, tree.read(path).decode(errors="replace")))
            of_models: dict[str, tuple[int, ...]] = {}
            wild = []
            for index, line in enumerate(lines):
                parts = line.pattern.strip("/").split("/")
                if parts[0] == layout.APPS and len(parts) > 1 and not _WILD.search(parts[1]):
                    if len(parts) == len(("apps", "model")) or parts[2] in ("*", "**"):
                        of_models[parts[1]] = (*of_models.get(parts[1], ()), index)
                else:
                    wild.append(index)
            return _Owners(lines, of_models, tuple(wild))
    return _Owners((), {}, ())


def _lines(path: str, text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), start=1):
        words = [(m[0], Position(number, m.start() + 1)) for m in _WORD.finditer(line)]
        comment = next((i for i, (word, _) in enumerate(words) if word.startswith("#")), len(words))
        words = words[:comment]
        if words and not _SECTION.match(line.strip()):
            (pattern, at), *owners = words
            yield _Line(path, pattern, at, tuple(owners))
