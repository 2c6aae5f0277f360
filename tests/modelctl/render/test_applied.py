"""What rendered bytes say is applied, whoever wrote them."""

import pytest

from modelctl.render import applied, generated
from modelctl.repo.repository import ModelFiles

DEPLOYMENT = "apps/linear/rendered/prod/deployment-linear-r1.yaml"
ROUTE = "apps/linear/rendered/prod/httproute-linear.yaml"
APPLICATION = "argocd/applications/prod/linear.yaml"


def test_what_the_renderer_wrote_is_read_back(files: ModelFiles) -> None:
    """Releases, weights and project of every environment are those of the typed files."""
    rendered = {path: text.encode() for path, text in generated(files).items()}

    for environment, serving in files.served:
        own = {path: c for path, c in rendered.items() if f"/{environment.name}/" in path}
        found = applied.read(own)
        assert frozenset(serving.deployed) == found.releases
        assert serving.weights == found.weights
        owner = files.model.owner if files.model else None
        assert (owner if environment.engine == "argocd" else "") == found.project


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"spec: [", b"spec: {rules: [{backendRefs: 5}], template: 1}", b"\xff"]
)
def test_what_was_broken_by_hand_says_nothing(content: bytes) -> None:
    """A file of any other shape is no error: it names no weight, project or pod."""
    found = applied.read(dict.fromkeys((DEPLOYMENT, ROUTE, APPLICATION), content))

    assert ({}, "") == (found.weights, found.project)
    assert {"r1"} == found.releases
    assert applied.pods(content) in (None, 1)


def test_only_deployments_of_releases_make_pods() -> None:
    """Other objects, and what lies beside them, are no Deployment."""
    paths = [DEPLOYMENT, ROUTE, APPLICATION, DEPLOYMENT.replace("-r1", ""), "deployment-a-r1.yaml"]

    assert [DEPLOYMENT] == [path for path in paths if applied.is_deployment(path)]
