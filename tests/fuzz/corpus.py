"""Where mutations begin: the repositories of the rules' fixtures, and this repository itself."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from modelctl.repo.layout import GENERATED, place
from modelctl.repo.tree import Entry, EntryKind, WorkTree
from tests.fixture_trees import BASE, RULES_TESTS, MemoryTree, case_tree
from tests.fuzz import onnx_mutations, yaml_mutations
from tests.scratch import PROJECT

_CASES = sorted(path for path in RULES_TESTS.glob("*/*/*/") if BASE not in path.parents)
_OWN_SHARE = 0.05  # of repositories that are this one, which is the slowest of them
_KINDS = (EntryKind.SYMLINK, EntryKind.OTHER)
_FOLDERS = ("apps/digits", "apps/linear", "apps/new", "apps/é", "apps/a b", "apps", "argocd", "x")
_NAMES = (
    "model.yaml", "releases/r1.yaml", "releases/r3.yaml", "releases/r01.yaml", "envs/prod.yaml",
    "envs/dev.yaml", "envs/prod.yml", "rendered/prod/deployment-r1.yaml", "rendered/prod/x.yaml",
    "rendered/no/x.yaml", "teams.yaml", "environments.yaml", "platform/prod/x.yaml", "x\ny.yaml",
    "config/x.yaml", "projects/prod/team-x.yaml", "applications/prod/digits.yaml", "\u202e.yaml",
    "bootstrap/prod.yaml", "applications/prod/é.yaml", "README.md", ".git", "releases",
    "\udcff.yaml",
)  # fmt: skip


@dataclass(frozen=True)
class FuzzTree(MemoryTree):
    """A tree in memory, some of whose paths are links or special files."""

    kinds: Mapping[str, EntryKind] = field(default_factory=dict)

    def _entry(self, path: str) -> Entry:
        return Entry(self.kinds.get(path, EntryKind.FILE), len(self.files[path]))


@cache
def _case(number: int) -> FuzzTree:
    return FuzzTree(case_tree(_CASES[number]).files)


@cache
def own() -> FuzzTree:
    """This repository as it is."""
    tree = WorkTree(PROJECT)
    paths = (path for path, entry in tree.entries.items() if entry.kind is EntryKind.FILE)
    return FuzzTree({path: tree.read(path) for path in paths})


def tree(chance: random.Random) -> FuzzTree:
    """A repository to begin with."""
    return own() if chance.random() < _OWN_SHARE else _case(chance.randrange(len(_CASES)))


def mutated(chance: random.Random, start: FuzzTree) -> FuzzTree:
    """The repository with some of its files changed, gone, moved, or new."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        start = _with_other_file(chance, start)
    return start


def _with_other_file(chance: random.Random, start: FuzzTree) -> FuzzTree:
    files = dict(start.files)
    path, other = chance.choice(_weighed(files)), chance.choice(sorted(files))
    kind = chance.randrange(20)
    if kind == 0:
        del files[path]
    elif kind == 1:
        new, content = f"{chance.choice(_FOLDERS)}/{chance.choice(_NAMES)}", files[path]
        files = {p: c for p, c in files.items() if not _is_in_the_way(p, new)} | {new: content}
    elif kind == 2:
        files[path], files[other] = files[other], files[path]
    elif kind == 3:
        kinds = {**start.kinds, path: chance.choice(_KINDS)}
        return replace(start, kinds=kinds)
    elif path.endswith(".onnx"):
        files[path] = onnx_mutations.mutated(chance, files[path])
    else:
        files[path] = yaml_mutations.mutated(chance, files[path], _alike(path, files))
    return replace(start, files=files)


def _is_in_the_way(path: str, new: str) -> bool:
    """Whether one of the paths is a folder of the other, so that there cannot be both files."""
    return path.startswith(f"{new}/") or new.startswith(f"{path}/")


def _weighed(files: Mapping[str, bytes]) -> list[str]:
    """The paths, those of what people write four times: there are far more of the others."""
    paths = sorted(files)
    return paths + 4 * [path for path in paths if place(path).kind not in GENERATED]


def _alike(path: str, files: Mapping[str, bytes]) -> list[bytes]:
    """The contents of files of the same kind."""
    kind = place(path).kind
    return [files[other] for other in sorted(files) if place(other).kind is kind]
