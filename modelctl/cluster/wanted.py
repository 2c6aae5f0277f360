"""What git wants of an environment: the rendered objects at the revision that Argo CD follows.

Bytes of a commit count, as they are what Argo CD applies; typed files are not asked.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from modelctl.errors import GitError
from modelctl.render.served import Served, served
from modelctl.repo import git, git_objects, layout
from modelctl.repo.git import Commit
from modelctl.repo.kinds import GitSource
from modelctl.repo.layout import Kind, place
from modelctl.repo.touched import last_commits

Json = Mapping[str, Any]

_HEADS = "refs/heads/"
_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # of a commit
_COMPARED = ("deployment-", "httproute-")  # the files whose objects are compared with live ones


@dataclass(frozen=True)
class WantedModel:
    """What git wants of one model: its rendered files that are compared, by path."""

    model: str
    files: Mapping[str, bytes] = field(repr=False)

    @cached_property
    def application(self) -> Json | None:
        """Its Application; None where git has none."""
        return next((parsed(content) for path, content in self._of(Kind.APPLICATION)), None)

    @cached_property
    def deployments(self) -> Mapping[str, Json]:
        """Its Deployments by name."""
        return self._objects("deployment-")

    @cached_property
    def routes(self) -> Mapping[str, Json]:
        """Its HTTPRoutes by name."""
        return self._objects("httproute-")

    @cached_property
    def served(self) -> Served | None:
        """What its route shares out; None without a route."""
        return served(dict(self._of(Kind.RENDERED)))

    @property
    def namespace(self) -> str:
        """The namespace that its objects are for; empty where git does not say."""
        spec = (self.application or {}).get("spec") or {}
        return str((spec.get("destination") or {}).get("namespace") or "")

    @property
    def paused(self) -> bool:
        """Whether Argo CD is told to apply nothing by itself."""
        policy = ((self.application or {}).get("spec") or {}).get("syncPolicy") or {}
        automated = policy.get("automated") or {}
        return automated.get("enabled") is False

    def _of(self, kind: Kind) -> Iterator[tuple[str, bytes]]:
        return ((path, each) for path, each in self.files.items() if place(path).kind is kind)

    def _objects(self, prefix: str) -> dict[str, Json]:
        found = (
            parsed(content)
            for path, content in self._of(Kind.RENDERED)
            if path.rpartition("/")[2].startswith(prefix)
        )
        return {str(each.get("metadata", {}).get("name")): each for each in found}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What git wants of an environment, and where that was read.

    `ref` is the name here of the revision, `commit` what it is, `models` have something rendered in
    the environment, `commits` are the last ones of their folders.
    """

    ref: str
    commit: Commit
    models: Mapping[str, WantedModel]
    commits: Mapping[str, Commit]


def wanted(root: Path, environment: str, source: GitSource) -> Wanted:
    """What git wants of an environment.

    Raises:
        GitError: The revision is not in this repository.
    """
    ref = followed(root, source)
    commit = git.describe(root, git.resolve(root, ref))
    found = git_objects.blobs(root, commit.id, layout.APPS, f"{layout.APPLICATIONS}/{environment}")
    blobs = {path: blob for path, blob in found.items() if _is_compared(path, environment)}
    contents = git_objects.read_blobs(root, sorted(set(blobs.values())))
    by_model: dict[str, dict[str, bytes]] = {}
    for path, blob in blobs.items():
        by_model.setdefault(place(path).model, {})[path] = contents[blob]
    models = {name: WantedModel(name, files) for name, files in by_model.items()}
    return Wanted(ref, commit, models, last_commits(root, commit.id, models))


def _is_compared(path: str, environment: str) -> bool:
    at = place(path)
    if at.environment != environment:
        return False
    is_object = path.rpartition("/")[2].startswith(_COMPARED)
    return at.kind is Kind.APPLICATION or (at.kind is Kind.RENDERED and is_object)


def parsed(content: bytes) -> Json:
    """The object in a rendered file; empty where a hand has broken it.

    Fast: what was rendered needs no positions, and there are thousands.
    """
    try:
        found = yaml.load(content, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def followed(root: Path, source: GitSource) -> str:
    """The name here of the revision that Argo CD follows.

    A branch is that of the remote repository as it was fetched last, where there is one: what was
    not pushed is nothing to Argo CD.
    """
    branch = source.revision.removeprefix(_HEADS)
    if branch == source.revision:
        return source.revision
    remotes = sorted(_remotes(root).items(), key=lambda r: (r[1] != source.url, r[0] != "origin"))
    names = [f"refs/remotes/{remote}/{branch}" for remote, _ in remotes]
    there = set(git.text(root, "for-each-ref", "--format=%(refname)", *names).splitlines())
    return next((name for name in names if name in there), source.revision)


def _remotes(root: Path) -> dict[str, str]:
    """The URL of each remote repository."""
    try:
        listed = git.text(root, "config", "--get-regexp", r"^remote\..*\.url$")
    except GitError:  # there is none
        return {}
    lines = (line.partition(" ") for line in listed.splitlines())
    return {key.removeprefix("remote.").removesuffix(".url"): url for key, _, url in lines}


@dataclass(frozen=True, slots=True)
class Compared:
    """What is known here of the revisions that Argo CD has compared models with.

    `elsewhere` are not in the history of what git wants; `changed` names with each that is, the
    models of which something was rendered anew since.
    """

    elsewhere: frozenset[str] = frozenset()
    changed: frozenset[tuple[str, str]] = frozenset()


def compared(root: Path, environment: str, commit: str, revisions: set[str]) -> Compared:
    """What is known here of some revisions, beside the commit that git wants."""
    known = ancestors(root, commit, revisions)
    return Compared(
        frozenset(revisions - known),
        frozenset(
            (revision, place(path).model)
            for revision in known - {commit}
            for path in git_objects.differing_paths(root, revision, commit, layout.APPS)
            if place(path).kind is Kind.RENDERED and place(path).environment == environment
        ),
    )


def ancestors(root: Path, commit: str, revisions: set[str]) -> set[str]:
    """Those of some revisions that are a commit itself, or among its ancestors."""
    sizes = git_objects.sizes(root, filter(_NAME.fullmatch, sorted(revisions)))
    known = {revision for revision, size in sizes.items() if size}
    if not known:
        return set()
    asked = "".join(f"{each}\n" for each in (*sorted(known), f"^{commit}"))
    ahead = git.run(root, "rev-list", "--stdin", stdin=asked.encode()).decode().split()
    return known.difference(ahead)
