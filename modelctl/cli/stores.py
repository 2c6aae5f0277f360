"""What the commands about stores have in common: which files, and how progress is shown."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from modelctl.cli import names
from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import WorkTree
from modelctl.store.delivery import Delivery
from modelctl.store.needs import Need
from modelctl.store.transfer import Progress

_MB = 1_000_000
_EVERY_BYTES = 4 * _MB  # between two words: a terminal need not be told more often


def opened() -> tuple[Delivery, Repository]:
    """The repository around, and what brings its files from place to place."""
    root = git.top_level(Path.cwd())
    repository = load(WorkTree(root))
    return Delivery(root, repository.environments, watch), repository


def asked(repository: Repository, models: Iterable[str]) -> list[ModelFiles]:
    """The models that are named, or all of them.

    Raises:
        UsageError: There is none of that name.
    """
    named = tuple(dict.fromkeys(models))
    for model in named:
        names.refuse_unknown_model(repository, model)
    return [repository.model(folder) for folder in named or repository.folders]


def carried(needs: Iterable[Need], bring: Callable[[Need], str]) -> int:
    """Bring each file, and say what was done; gives how many there were."""
    count = 0
    for need in needs:
        done = bring(need)
        print(f"{need.name}: {done}{_size(need)}")
        count += 1
    return count


def watch(what: str, total_bytes: int | None) -> Progress:
    """Show on a terminal how far a transfer is; nowhere else."""
    if not sys.stderr.isatty():
        return lambda _: None
    told_bytes = 0

    def show(passed_bytes: int) -> None:
        nonlocal told_bytes
        is_done = passed_bytes == total_bytes
        if passed_bytes - told_bytes >= _EVERY_BYTES or is_done:
            told_bytes = passed_bytes
            of = f" of {total_bytes / _MB:.0f}" if total_bytes else ""
            end = "\r\x1b[K" if is_done else ""
            sys.stderr.write(f"\r\x1b[K{what}: {passed_bytes / _MB:.0f}{of} MB{end}")
            sys.stderr.flush()

    return show


def _size(need: Need) -> str:
    return f" ({need.size_bytes:,} bytes)" if need.size_bytes else ""
