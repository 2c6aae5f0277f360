"""What is generated beside what should be: both as bytes, by path."""

import re
from collections.abc import Mapping
from functools import lru_cache

from modelctl.render import generated
from modelctl.repo import layout
from modelctl.repo.repository import Repository

Pair = tuple[str, str]  # folder of the model, environment

_RENDERED = re.compile(r"apps/([^/]+)/rendered/([^/]+)/.+")
_APPLICATION = re.compile(r"argocd/applications/([^/]+)/(.+)\.yaml")


@lru_cache(maxsize=1)
def expected(repository: Repository) -> Mapping[str, bytes]:
    """Every generated file as it should be; kept for the repository that was asked about last."""
    return {path: text.encode() for path, text in generated(repository).items()}


@lru_cache(maxsize=1)
def expected_pairs(repository: Repository) -> frozenset[Pair]:
    """Every model and environment that something is rendered for."""
    return frozenset(pair for path in expected(repository) if (pair := pair_of(path)))


def pair_of(path: str) -> Pair | None:
    """The model and environment that a generated file belongs to, by its path."""
    if match := _RENDERED.fullmatch(path):
        return match[1], match[2]
    if match := _APPLICATION.fullmatch(path):
        return match[2], match[1]
    return None


def never_rendered(repository: Repository) -> frozenset[Pair]:
    """Models that should be, but have no rendered file in an environment at all."""
    rendered = {pair_of(path) for path in repository.generated if path.startswith(layout.APPS)}
    return frozenset(pair for pair in expected_pairs(repository) if pair not in rendered)


def stale(repository: Repository) -> list[str]:
    """Generated files that are missing or differ, where the model was rendered before; sorted."""
    skipped = never_rendered(repository)
    return sorted(
        path
        for path, content in expected(repository).items()
        if repository.generated.get(path) != content
        and (path in repository.generated or path not in repository.entries)
        and pair_of(path) not in skipped
    )


def orphans(repository: Repository) -> list[str]:
    """Generated files that nothing generates any more; sorted.

    Where a model has a file for the environment and nothing can be rendered from it, the fault is
    there: what was rendered before is left alone.
    """
    if not repository.environments.ordered:
        return []
    wanted, rendered = expected(repository), expected_pairs(repository)
    return sorted(
        path
        for path in repository.generated
        if path not in wanted
        and not ((pair := pair_of(path)) and pair not in rendered and _is_served(repository, pair))
    )


def _is_served(repository: Repository, pair: Pair) -> bool:
    return layout.serving_file(*pair) in repository.entries
