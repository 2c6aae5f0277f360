"""The roles of this project as data: files, tasks, defaults, specs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from harness.content import PROJECT

ROLES = sorted(path.parents[1] for path in (PROJECT / "roles").glob("*/meta/main.yml"))
BLOCKS = ("block", "rescue", "always")


def read(path: Path) -> Any:  # noqa: ANN401
    """A YAML document; an absent or empty file is None."""
    return yaml.safe_load(path.read_text("utf-8")) if path.exists() else None


def tasks(path: Path) -> Iterator[dict[str, Any]]:
    """Every task of a file, those inside blocks with them."""
    yield from inside(read(path) or [])


def inside(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every task of a list, blocks first, then what they hold."""
    for task in listed:
        yield task
        for kind in BLOCKS:
            yield from inside(task.get(kind) or [])


def task_files(role: Path) -> list[Path]:
    """Files of tasks and handlers of a role."""
    return sorted([*role.glob("tasks/**/*.yml"), *role.glob("handlers/*.yml")])


def module(task: dict[str, Any]) -> str:
    """Full name of the module that a task calls, or an empty text for a block."""
    return next((key for key in task if key.count(".") >= 2), "")
