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
from modelctl.repo.kinds import Environment, Model, Release, Serving
from modelctl.repo.repository import ModelFiles

RENDERED = "apps/digits-cnn/rendered/staging"


def _with(files: ModelFiles, *ordered: Environment) -> ModelFiles:
    """The same model among other environments."""
    environments = replace(files.environments, ordered=ordered)
    return replace(files, repository=replace(files.repository, environments=environments))


def test_every_object_has_a_file_of_its_own(files: ModelFiles) -> None:
    """One object a file, named by kind and name, and the Application in its environment."""
    assert [
        f"{RENDERED}/serviceaccount-digits-cnn.yaml",
        f"{RENDERED}/networkpolicy-digits-cnn.yaml",
        f"{RENDERED}/deployment-digits-cnn-r1.yaml",
        f"{RENDERED}/service-digits-cnn-r1.yaml",
        f"{RENDERED}/horizontalpodautoscaler-digits-cnn-r1.yaml",
        f"{RENDERED}/poddisruptionbudget-digits-cnn-r1.yaml",
        f"{RENDERED}/backendtrafficpolicy-digits-cnn.yaml",
        f"{RENDERED}/httproutefilter-digits-cnn-unknown-release.yaml",
        f"{RENDERED}/podmonitor-digits-cnn.yaml",
        f"{RENDERED}/prometheusrule-digits-cnn.yaml",
        f"{RENDERED}/prometheusrule-digits-cnn.weights.yaml",
        f"{RENDERED}/httproute-digits-cnn.yaml",
        f"{RENDERED}/httproute-digits-cnn-grpc.yaml",
        "argocd/applications/staging/digits-cnn.yaml",
    ] == list(generated(files))


def test_a_local_environment_has_no_application(
    files: ModelFiles, environment: Environment
) -> None:
    """What `modelctl up` runs is rendered, without an Application."""
    paths = generated(_with(files, replace(environment, engine="local")))

    assert 13 == len(paths)
    assert all(path.startswith(RENDERED) for path in paths)


def test_each_environment_is_rendered_apart(
    files: ModelFiles, serving: Serving, environment: Environment
) -> None:
    """A model in two environments has the objects of each, with its own gateway."""
    prod = replace(environment, name="prod", gateway=replace(environment.gateway, name="front"))
    both = replace(
        _with(files, environment, prod),
        servings={"staging": serving, "prod": replace(serving, environment="prod")},
    )

    texts = generated(both)

    assert 28 == len(texts)
    assert "name: front" in texts["apps/digits-cnn/rendered/prod/httproute-digits-cnn.yaml"]


@pytest.mark.parametrize("missing", [{"model": None}, {"releases": {}}, {"servings": {}}], ids=str)
def test_a_pair_with_a_missing_file_is_passed_over(
    files: ModelFiles, missing: dict[str, Any]
) -> None:
    """What has no valid model, release or serving file gives no file, and no error."""
    assert {} == generated(replace(files, **missing))


def test_an_environment_is_passed_over_alone(
    files: ModelFiles, serving: Serving, environment: Environment
) -> None:
    """Where a release is missing in one environment, the others are rendered as ever."""
    prod = replace(environment, name="prod")
    lacking = replace(serving, environment="prod", stable="r9", weights={"r9": 100})
    both = replace(_with(files, prod, environment), servings={"prod": lacking, "staging": serving})

    assert generated(files) == generated(both)


def test_an_unknown_template_is_passed_over(files: ModelFiles, environment: Environment) -> None:
    """An environment that pins a template which does not exist gives no file, and no error."""
    assert {} == generated(_with(files, replace(environment, template="v0")))


def test_no_environment_means_no_file(files: ModelFiles) -> None:
    """A repository whose environments cannot be read gives no file, and no error."""
    assert {} == generated(_with(files))


def test_objects_are_those_of_the_files(
    files: ModelFiles,
    model: Model,
    releases: Mapping[str, Release],
    serving: Serving,
    environment: Environment,
) -> None:
    """The objects of one pair are the rendered files of it, in the same order."""
    expected = [path for path in generated(files) if path.startswith(RENDERED)]

    values = objects(model, releases, serving, environment)

    assert expected == [
        f"{RENDERED}/{value['kind'].lower()}-{value['metadata']['name']}.yaml" for value in values
    ]


# Renders the plain case of this folder and prints path and text of every file.
PROGRAM = """
import json, runpy
from modelctl.render import generated
case = runpy.run_path("tests/modelctl/render/conftest.py")
model, releases, serving, environment = (
    case[name].__wrapped__() for name in ("model", "releases", "serving", "environment")
)
repository = case["repository"].__wrapped__(environment)
print(json.dumps(generated(case["files"].__wrapped__(repository, model, releases, serving))))
"""


@pytest.mark.parametrize("hash_seed", ["0", "1", "4294967295"])
def test_another_process_renders_the_same_bytes(files: ModelFiles, hash_seed: str) -> None:
    """Neither the seed of string hashes nor the process has a part in the output."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        capture_output=True,
        check=True,
        text=True,
    )

    assert generated(files) == json.loads(result.stdout)
