"""The models that move from one team to another, of all that there are."""

from collections import defaultdict
from functools import lru_cache

from modelctl.repo import documents, layout
from modelctl.repo.repository import Repository
from modelctl.repo.tree import EntryKind

FIELD = b"moved_from"  # stands in the bytes of every `model.yaml` that has the field


@lru_cache(maxsize=4)
def moves(repository: Repository) -> dict[tuple[str, str], frozenset[str]]:
    """By environment that Argo CD syncs and by team, the teams that models of it move from.

    Every `model.yaml` is looked at, and those models are loaded whose file has the word in it.
    """
    _ = repository.tree.entries  # all at once, not model by model
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for folder in filter(lambda folder: _is_moving(repository, folder), repository.folders):
        files = repository.model(folder)
        if files.model is not None and files.model.moved_from is not None:
            for environment, _ in files.served:
                if environment.engine == "argocd":
                    found[environment.name, files.model.owner].add(files.model.moved_from)
    return {key: frozenset(teams) for key, teams in found.items()}


def _is_moving(repository: Repository, folder: str) -> bool:
    path = layout.model_file(folder)
    entry = repository.tree.entry(path)
    if entry is None or entry.kind is not EntryKind.FILE:
        return False
    return entry.size_bytes <= documents.MAX_BYTES and FIELD in repository.tree.read(path)
