"""What is applied, weights above all: read back from rendered objects.

Typed files say what is wanted. What a cluster or a local engine does, the rendered bytes say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from modelctl.render.loose import loaded, value
from modelctl.render.served import served
from modelctl.repo.layout import Kind, place


@dataclass(frozen=True, slots=True)
class Applied:
    """What is applied of a model in an environment: which releases run, with which weights.

    `project` is the Argo CD project of its Application, empty where it has none.
    """

    releases: frozenset[str]
    weights: Mapping[str, int]
    project: str


def read(generated: Mapping[str, bytes]) -> Applied:
    """What some generated files of one model in one environment say."""
    shared = served(generated)
    return Applied(
        releases=frozenset(place(path).release for path in generated if is_deployment(path)),
        weights=shared.weights if shared else {},
        project=next((_project(c) for p, c in generated.items() if _is_application(p)), ""),
    )


def is_deployment(path: str) -> bool:
    """Whether a generated file is the Deployment of a release."""
    return path.rpartition("/")[2].startswith("deployment-") and bool(place(path).release)


@lru_cache(maxsize=64)  # a change is asked about the same Deployments several times
def pods(deployment: bytes) -> object:
    """The template that a Deployment makes its pods from: where it changes, they restart."""
    return value(loaded(deployment), "spec", "template")


def _is_application(path: str) -> bool:
    return place(path).kind is Kind.APPLICATION


def _project(application: bytes) -> str:
    project = value(loaded(application), "spec", "project")
    return project if isinstance(project, str) else ""
