"""The settings of a sync, each of which an outage has taught (ADR 22)."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from modelctl.render.argocd.bootstrap import root
from modelctl.render.v2.application import application
from modelctl.repo.kinds import Environment, GitSource, Model, Serving

RETRY = {
    "limit": -1,
    "refresh": True,
    "backoff": {"duration": "5s", "factor": 2, "maxDuration": "20s"},
}


@pytest.fixture
def of_a_model(model: Model, serving: Serving, source: GitSource) -> dict[str, Any]:
    """The Application of a model."""
    return application(model, serving, source)


@pytest.fixture
def of_all(prod: Environment, source: GitSource) -> dict[str, Any]:
    """The root Application."""
    return root(prod, source)


def test_nothing_in_a_sync_waits_for_health(
    of_a_model: dict[str, Any], of_all: dict[str, Any]
) -> None:
    """No wave, no hook, and no pruning that is a wave of its own: a revert took 368 s."""
    for value in (of_a_model, of_all):
        text = str(value)

        assert "PruneLast" not in text
        assert "sync-wave" not in text
        assert "hook" not in text
        assert "ignoreDifferences" not in text


def test_what_is_pruned_is_gone_at_once(of_a_model: dict[str, Any]) -> None:
    """In the foreground a revert is applied onto a Deployment in deletion: 42 s without a pod."""
    assert "PrunePropagationPolicy=background" in of_a_model["spec"]["syncPolicy"]["syncOptions"]
    assert ["resources-finalizer.argocd.argoproj.io/background"] == of_a_model["metadata"][
        "finalizers"
    ]


def test_a_sync_is_tried_without_end(of_a_model: dict[str, Any], of_all: dict[str, Any]) -> None:
    """After a last try nothing would be done at this commit, though what was missing came."""
    assert RETRY == of_a_model["spec"]["syncPolicy"]["retry"]
    assert RETRY == of_all["spec"]["syncPolicy"]["retry"]


def test_the_options_of_a_model(of_a_model: dict[str, Any]) -> None:
    """Only what differs is applied, by the server, and nothing is taken from another."""
    assert [
        "ApplyOutOfSyncOnly=true",
        "FailOnSharedResource=true",
        "PrunePropagationPolicy=background",
        "ServerSideApply=true",
    ] == of_a_model["spec"]["syncPolicy"]["syncOptions"]


def test_a_root_follows_the_branch_and_never_prunes(
    of_all: dict[str, Any], source: GitSource
) -> None:
    """The root heals what it wrote and deletes nothing, neither by a sync nor with itself."""
    policy = of_all["spec"]["syncPolicy"]

    assert (source.url, source.revision) == (
        of_all["spec"]["source"]["repoURL"],
        of_all["spec"]["source"]["targetRevision"],
    )
    assert {"enabled": True, "selfHeal": True} == policy["automated"]
    assert not any("rune" in option for option in policy["syncOptions"])
    assert "finalizers" not in of_all["metadata"]


@pytest.mark.parametrize(
    ("path", "is_read"),
    [
        ("applications/prod/linear.yaml", True),
        ("projects/prod/vision.yaml", True),
        ("platform/prod/keda.yaml", True),
        ("platform/prod/namespaces/namespace-models-vision.yaml", False),
        ("platform/prod/own/deep/issuer.yaml", False),
        ("platform/staging/keda.yaml", False),
        ("config/prod/configmap-argocd-cm.yaml", False),
        ("bootstrap/prod.yaml", False),
    ],
)
def test_a_root_reads_the_folders_of_its_environment(
    of_all: dict[str, Any], path: str, *, is_read: bool
) -> None:
    """Pattern by pattern, with a `*` that stands for slashes too, as Argo CD has it."""
    directory = of_all["spec"]["source"]["directory"]
    patterns = directory["include"].strip("{}").split(",")

    included = any(fnmatchcase(path, pattern) for pattern in patterns)

    assert is_read == (included and not fnmatchcase(path, directory["exclude"]))


def test_a_root_is_concerned_by_its_folders_alone(of_all: dict[str, Any]) -> None:
    """A commit elsewhere makes no manifests of it anew."""
    said = of_all["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"]

    assert "/argocd/applications/prod;/argocd/platform/prod;/argocd/projects/prod" == said
