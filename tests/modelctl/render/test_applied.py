"""What rendered bytes say is applied, whoever wrote them."""

from pathlib import Path

import pytest

from modelctl.render import applied, generated
from modelctl.repo.repository import ModelFiles
from scratch import PROJECT

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


ROUTES = sorted((PROJECT / "apps").glob("*/rendered/*/httproute-*.yaml"))


@pytest.mark.parametrize("path", ROUTES, ids=lambda path: "-".join(path.parts[-3:]))
def test_the_quick_way_reads_what_the_parser_reads(path: Path) -> None:
    """A route as the renderer writes it is read the same without a parser."""
    content = path.read_bytes()
    quick, parsed = applied._as_rendered(content), list(applied._as_parsed(content))

    assert quick == ([] if b"RequestMirror" in content else parsed)
    assert parsed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"weight: 95\n", b"weight: 95 # half\n"),
        (b"weight: 95\n", b"weight: &a 95\n"),
        (b"      timeouts:\n", b"      # timeouts\n      timeouts:\n"),
        (b"    - matches:\n", b"    -  matches:\n"),
    ],
)
def test_the_quick_way_takes_nothing_else(old: bytes, new: bytes) -> None:
    """A route that a hand has touched is left to the parser."""
    content = (PROJECT / "apps/digits-cnn/rendered/prod/httproute-digits-cnn.yaml").read_bytes()
    assert old in content

    assert [] == applied._as_rendered(content.replace(old, new))
