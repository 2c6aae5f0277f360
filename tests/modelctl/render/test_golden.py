"""The whole output for one small case, and what each feature changes in it.

After a wanted change, `UPDATE_GOLDEN=1 python -m pytest tests/modelctl/render` writes the files
anew; the commit's diff then shows what the change does to every model.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

import pytest

from modelctl.render import generated
from modelctl.repo.kinds import (
    Batching,
    Certificates,
    Environment,
    Gpu,
    Release,
    Resources,
    Serving,
    Shadow,
    Stores,
)
from modelctl.repo.repository import ModelFiles

GOLDEN = Path(__file__).parent / "golden"

_Change = Callable[[ModelFiles], ModelFiles]


def _serving(change: Callable[[Serving], Serving]) -> _Change:
    def changed(files: ModelFiles) -> ModelFiles:
        servings = {key: change(value) for key, value in files.servings.items()}
        return replace(files, servings=servings)

    return changed


def _release(change: Callable[[Release], Release]) -> _Change:
    def changed(files: ModelFiles) -> ModelFiles:
        releases = {key: change(value) for key, value in files.releases.items()}
        return replace(files, releases=releases)

    return changed


def _environment(change: Callable[[Environment], Environment]) -> _Change:
    def changed(files: ModelFiles) -> ModelFiles:
        ordered = tuple(map(change, files.environments.ordered))
        environments = replace(files.environments, ordered=ordered)
        return replace(files, repository=replace(files.repository, environments=environments))

    return changed


MIRRORS = {
    "https://models.example.com/": "s3://far/",
    "https://models.example.com/digits-cnn/": "https://mirror.example.com:8443/near/",
}
STORES = Stores(
    variables={"AWS_ENDPOINT_URL": "https://minio.example.com:9000", "AWS_REGION": "eu-central-1"},
    secrets=("model-store",),
    registry_secret="registry-login",  # noqa: S106 - the name of one
    certificates=Certificates("trusted-certificates", "ca.crt"),
    metadata_service=True,
)
FEATURES: dict[str, _Change] = {
    "plain": lambda files: files,
    "introduced": _serving(lambda serving: replace(serving, weights={"r1": 100, "r2": 0})),
    "canary": _serving(lambda serving: replace(serving, weights={"r1": 95, "r2": 5})),
    "shadow": _serving(lambda serving: replace(serving, shadow=Shadow("r3", 10))),
    "paused": _serving(lambda serving: replace(serving, paused=True)),
    "gpu": _release(
        lambda release: replace(
            release,
            resources=Resources("2", "1Gi", Gpu("nvidia.com/mig-1g.10gb", 1)),
            runtime=replace(release.runtime, providers=("cuda", "cpu")),
        )
    ),
    "batching": _release(
        lambda release: replace(
            release, runtime=replace(release.runtime, batching=Batching(32, 2.5))
        )
    ),
    "independent": _release(
        lambda release: replace(
            release, runtime=replace(release.runtime, batching=Batching(32, 2.5, independent=True))
        )
    ),
    "mirrors": _environment(lambda environment: replace(environment, artifact_mirrors=MIRRORS)),
    "stores": _environment(lambda environment: replace(environment, stores=STORES)),
}
BEFORE_AND_AFTER = [
    ("plain", "introduced"),
    ("introduced", "canary"),
    ("plain", "shadow"),
    ("plain", "paused"),
    ("plain", "gpu"),
    ("plain", "batching"),
    ("batching", "independent"),
    ("plain", "mirrors"),
    ("plain", "stores"),
]


TEMPLATES = ["v1", "v2"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_plain_case_renders_as_recorded(files: ModelFiles, template: str) -> None:
    """One release with all the traffic gives exactly the recorded files."""
    actual = _text(_by(template)(files))

    assert _recorded(f"{template}/plain.txt", actual) == actual


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(("before", "after"), BEFORE_AND_AFTER)
def test_a_feature_changes_what_was_recorded(
    files: ModelFiles, before: str, after: str, template: str
) -> None:
    """A feature changes exactly the recorded lines of the case before it, and no other."""
    by = _by(template)
    old, new = (
        _text(FEATURES[name](by(files))).splitlines(keepends=True) for name in (before, after)
    )

    actual = "".join(unified_diff(old, new, before, after, n=2))

    assert _recorded(f"{template}/{after}.diff", actual) == actual


def test_the_second_template_changes_what_was_recorded(files: ModelFiles) -> None:
    """From the first template to the second exactly the recorded lines change."""
    old, new = (_text(_by(name)(files)).splitlines(keepends=True) for name in TEMPLATES)

    actual = "".join(unified_diff(old, new, *TEMPLATES, n=2))

    assert _recorded("v1-v2.diff", actual) == actual


def _by(template: str) -> _Change:
    return _environment(lambda environment: replace(environment, template=template))


def _text(files: ModelFiles) -> str:
    return "".join(f"=== {path}\n{text}" for path, text in generated(files).items())


def _recorded(name: str, actual: str) -> str:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(actual, encoding="utf-8")
    return path.read_text(encoding="utf-8")
