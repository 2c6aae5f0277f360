"""Which files are generated, from repositories whole and broken."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from modelctl.render import generated, objects
from modelctl.repo.kinds import Environment, Environments, Model, Release, Serving
from modelctl.repo.repository import Repository

RENDERED = "apps/digits-cnn/rendered/staging"


def test_every_object_has_a_file_of_its_own(repository: Repository) -> None:
    """One object a file, named by kind and name, and the Application in its environment."""
    assert [
        f"{RENDERED}/serviceaccount-digits-cnn.yaml",
        f"{RENDERED}/networkpolicy-digits-cnn.yaml",
        f"{RENDERED}/deployment-digits-cnn-r1.yaml",
        f"{RENDERED}/service-digits-cnn-r1.yaml",
        f"{RENDERED}/horizontalpodautoscaler-digits-cnn-r1.yaml",
        f"{RENDERED}/poddisruptionbudget-digits-cnn-r1.yaml",
        f"{RENDERED}/httproute-digits-cnn.yaml",
        "argocd/applications/staging/digits-cnn.yaml",
    ] == list(generated(repository))


def test_a_local_environment_has_no_application(repository: Repository) -> None:
    """What `modelctl up` runs is rendered, without an Application."""
    environments = repository.environments
    local = replace(environments.ordered[0], engine="local")
    changed = replace(repository, environments=replace(environments, ordered=(local,)))

    paths = generated(changed)

    assert 7 == len(paths)
    assert all(path.startswith(RENDERED) for path in paths)


def test_each_environment_is_rendered_apart(
    repository: Repository, serving: Serving, environment: Environment
) -> None:
    """A model in two environments has the objects of each, with its own gateway."""
    prod = replace(environment, name="prod", gateway=replace(environment.gateway, name="front"))
    both = replace(
        repository,
        environments=replace(repository.environments, ordered=(environment, prod)),
        servings={
            ("digits-cnn", "staging"): serving,
            ("digits-cnn", "prod"): replace(serving, environment="prod"),
        },
    )

    files = generated(both)

    assert 16 == len(files)
    assert "name: front" in files["apps/digits-cnn/rendered/prod/httproute-digits-cnn.yaml"]


@pytest.mark.parametrize("missing", ["models", "releases", "servings"])
def test_a_pair_with_a_missing_file_is_passed_over(repository: Repository, missing: str) -> None:
    """What has no valid model, release or serving file gives no file, and no error."""
    without: dict[str, Any] = {missing: {}}

    assert {} == generated(replace(repository, **without))


def test_an_unknown_template_is_passed_over(repository: Repository) -> None:
    """An environment that pins a template which does not exist gives no file, and no error."""
    environments = repository.environments
    ordered = (replace(environments.ordered[0], template="v0"),)

    assert {} == generated(replace(repository, environments=replace(environments, ordered=ordered)))


def test_no_environment_means_no_file(repository: Repository) -> None:
    """A repository whose environments cannot be read gives no file, and no error."""
    environments = Environments(repository.environments.source, ())

    assert {} == generated(replace(repository, environments=environments))


def test_objects_are_those_of_the_files(
    repository: Repository,
    model: Model,
    releases: Mapping[str, Release],
    serving: Serving,
    environment: Environment,
) -> None:
    """The objects of one pair are the rendered files of it, in the same order."""
    expected = [path for path in generated(repository) if path.startswith(RENDERED)]

    values = objects(model, releases, serving, environment)

    assert expected == [
        f"{RENDERED}/{value['kind'].lower()}-{value['metadata']['name']}.yaml" for value in values
    ]


# Renders the plain case of this folder and prints path and text of every file.
PROGRAM = """
import json, runpy
from modelctl.render import generated
case = runpy.run_path("tests/modelctl/render/conftest.py")
plain = {name: case[name].__wrapped__ for name in ("model", "releases", "serving", "environment")}
repository = case["repository"].__wrapped__(**{name: make() for name, make in plain.items()})
print(json.dumps(generated(repository)))
"""


@pytest.mark.parametrize("hash_seed", ["0", "1", "4294967295"])
def test_another_process_renders_the_same_bytes(repository: Repository, hash_seed: str) -> None:
    """Neither the seed of string hashes nor the process has a part in the output."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        capture_output=True,
        check=True,
        text=True,
    )

    assert generated(repository) == json.loads(result.stdout)
