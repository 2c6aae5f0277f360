"""What an edit is refused for, and what it only tells."""

import pytest

from modelctl.check.rules.supply import artifact_fits_git
from modelctl.edit.overlay import OverlayTree
from modelctl.edit.plan import Live, plan_edit
from modelctl.errors import EditRefusedError
from modelctl.finding import START, Finding
from modelctl.repo.tree import WorkTree
from scratch import PROJECT

BASE = PROJECT / "tests" / "modelctl" / "check" / "rules" / "base"
PROD = "apps/linear/envs/prod.yaml"
LIVE = Live(("linear", "prod"), frozenset({"r2"}))


CONCERNED = [
    PROD,
    "apps/linear/model.yaml",
    "apps/linear/releases/r2.yaml",
    "apps/linear/rendered/prod/httproute-linear.yaml",
    "argocd/applications/prod/linear.yaml",
    "argocd/environments.yaml",
    "argocd/projects/prod/vision.yaml",
]
UNCONCERNED = [
    "README.md",
    "apps/digits/model.yaml",
    "apps/digits/releases/r2.yaml",
    "apps/linear/envs/local.yaml",
    "apps/linear/releases/r1.yaml",
    "argocd/projects/local/vision.yaml",
]


@pytest.mark.parametrize("path", CONCERNED + UNCONCERNED)
def test_what_has_to_be_right_for_traffic(path: str) -> None:
    """Its own files, the releases that gain, the environment's projects and the environments."""
    finding = Finding(path, START, "rule", "found", "mend")

    assert (path in CONCERNED) == LIVE.is_concerned_by(finding)


def test_an_old_error_is_neither_refused_nor_told() -> None:
    """What was wrong before, and makes nothing live, is no matter of this edit."""
    faulty = WorkTree(BASE).read(PROD).replace(b"r1: 95", b"r1: 96")
    tree = OverlayTree(WorkTree(BASE), {PROD: faulty})

    plan = plan_edit(tree, {PROD: faulty.replace(b"target: 70", b"target: 60")})

    assert PROD in plan.changes
    assert () == plan.warnings


def test_what_gets_traffic_has_to_be_rendered() -> None:
    """Traffic that leaves a broken release would not leave it, because nothing can be rendered."""
    release = "apps/linear/releases/r2.yaml"
    tree = OverlayTree(WorkTree(BASE), {release: b"oops: 1\n"})
    wanted = WorkTree(BASE).read(PROD).replace(b"r1: 95", b"r1: 100").replace(b"r2: 5", b"r2: 0")

    with pytest.raises(EditRefusedError, match="it cannot be rendered"):
        plan_edit(tree, {PROD: wanted}, [Live(("linear", "prod"), frozenset({"r1"}))])


def test_no_large_file_is_written_into_git() -> None:
    """What a host of the repository would refuse is refused before it is in a history."""
    content = bytes(artifact_fits_git.MOST_BYTES + 1)

    with pytest.raises(EditRefusedError, match=r"a\.onnx has 52428801 bytes, expected at most"):
        plan_edit(WorkTree(BASE), {"artifacts/a.onnx": content})
