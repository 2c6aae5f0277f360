"""Names that the repository does not have, or has with a fault."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.cli import names
from modelctl.errors import UsageError
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree

Modelctl = Callable[..., str]


def test_a_serving_file_with_a_fault(served: Path, modelctl: Modelctl) -> None:
    """What is wrong with the file is told, with its place, not that the file is not there."""
    (served / "apps/linear/envs/local.yaml").write_text("stable: r1\n")

    told = modelctl("shift", "linear", "--env", "local", "r1=100", exit_code=2)

    assert "apps/linear/envs/local.yaml:1:1: schema-valid found no weights, expected one" in told


def test_environments_with_a_fault(served: Path) -> None:
    """Where no environment can be read, none is called unknown."""
    (served / "argocd/environments.yaml").write_text("environments: 1\n")
    with pytest.raises(UsageError, match=r"argocd/environments\.yaml: found no environment that"):
        names.refuse_unknown_environment(load(WorkTree(served)), "local")


def test_known_names_pass(served: Path) -> None:
    """What is there is not complained about."""
    repository = load(WorkTree(served))

    names.refuse_unknown_model(repository, "linear")
    names.refuse_unknown_environment(repository, "prod")
