"""What is measured: commands, the repositories that they run in, and goals."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fleet import folder_of
from tests.scratch import PROJECT

Words = tuple[str, ...]

PEER = "check-jsonschema"
_TYPED = {
    "model": "apps/*/model.yaml",
    "release": "apps/*/releases/*.yaml",
    "serving": "apps/*/envs/*.yaml",
}
_UNDO = ("git", "reset", "--quiet", "--hard", "HEAD^")
_FORGET = ("rm", "-rf", ".git/modelctl")


@dataclass(frozen=True, slots=True)
class Size:
    """How large the repositories are; the goals are about the defaults."""

    models: int = 500
    many_models: int = 2000
    commits: int = 5000
    artifact_bytes: int = 324_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """One row: commands that run one after the other, summed, in one of the repositories.

    `before` and `after` bring it to where each round begins and are not counted.
    """

    title: str
    repository: str
    commands: tuple[Words, ...]
    goal_cpu_s: float | None = None
    goal_peak_mb: float | None = None
    before: Words = ()
    after: Words = ()


def repositories(size: Size) -> Mapping[str, Words]:
    """By name, the arguments that make each repository."""
    models = ("--models", str(size.models))
    past = (*models, "--commits", str(size.commits))
    return {
        "fleet": models,
        "one past": past,
        "spread past": (*past, "--lived-by", str(size.models)),
        "artifact": ("--models", "10", "--artifact-bytes", str(size.artifact_bytes)),
        "many": ("--models", str(size.many_models)),
    }


def cases(size: Size) -> Iterator[Case]:
    """Our commands, in the order of the table."""
    models, commits = f"{size.models} models", f"{size.commits} commits"
    one, first = folder_of(7 % size.models), folder_of(0)
    large = f"{size.artifact_bytes // 1_000_000} MB in git"
    shift = ("--env", "dev", "r2=33", "--commit")
    yield _case("start of the program alone", "fleet", "rules")
    yield _case(f"`check` of {models}", "fleet", "check", goal_cpu_s=3)
    yield _case(f"`check --ref HEAD` of {models}", "fleet", "check", "--ref", "HEAD")
    yield _case(f"`render --check` of {models}", "fleet", "render", "--check")
    yield _case(f"`check` of one of {models}", "fleet", "check", f"apps/{one}", goal_cpu_s=0.6)
    yield _edit(f"`shift --commit` of one of {models}", "fleet", 1.5, "shift", one, *shift)
    for where, folder, name in (
        (f"{commits} of one model", first, "one past"),
        (f"{commits} of {models}", one, "spread past"),
    ):
        yield _case(f"`history`, {where}", name, "history", folder, goal_cpu_s=1)
        back = ("rollback", folder, "--env", "prod", "--commit")
        yield _edit(f"`rollback --commit`, {where}", name, 1, *back)
    yield _case(f"`check`, {large}, first time", "artifact", "check", before=_FORGET)
    yield _case(f"`check`, {large}", "artifact", "check", goal_cpu_s=0.6, goal_peak_mb=100)
    edit = ("shift", first, *shift)
    yield _edit(f"`shift --commit` of the model with {large}", "artifact", 1.5, *edit)
    yield _case(f"`check` of {size.many_models} models", "many", "check", goal_peak_mb=500)


def peers(fleet: Path, peer: Path | None) -> Iterator[Case]:
    """What others do with the typed files of the fleet; without check-jsonschema if it is None."""
    files = {kind: sorted(map(str, fleet.glob(glob))) for kind, glob in _TYPED.items()}
    if peer is not None:
        checks = (
            (str(peer), "--schemafile", str(PROJECT / f"schemas/{kind}.schema.json"), *files[kind])
            for kind in files
        )
        yield Case(f"{PEER}, three schemas", "fleet", tuple(checks))
    every = [file for paths in files.values() for file in paths]
    lint = (beside_python("yamllint"), "-c", str(PROJECT / ".yamllint"), *every)
    yield Case("yamllint", "fleet", (lint,))


def _case(
    title: str,
    repository: str,
    *words: str,
    goal_cpu_s: float | None = None,
    goal_peak_mb: float | None = None,
    before: Words = (),
) -> Case:
    command = (beside_python("modelctl"), *words)
    return Case(title, repository, (command,), goal_cpu_s, goal_peak_mb, before)


def _edit(title: str, repository: str, goal_cpu_s: float, *words: str) -> Case:
    command = (beside_python("modelctl"), *words)
    return Case(title, repository, (command,), goal_cpu_s, after=_UNDO)


def beside_python(program: str) -> str:
    """The path of a program in this virtual environment."""
    return str(Path(sys.executable).with_name(program))
