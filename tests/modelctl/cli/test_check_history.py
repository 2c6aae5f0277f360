"""`modelctl check` beside the history of a real repository: what only git knows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scratch import commit, git

Modelctl = Callable[..., str]

MODEL = "apps/linear/model.yaml"
RELEASES = "apps/linear/releases"
LOCAL, PROD = "apps/linear/envs/local.yaml", "apps/linear/envs/prod.yaml"
ENVIRONMENTS = "argocd/environments.yaml"
EDIT = ("linear", "--env", "local", "--commit")
CLEAN = "no findings\n"
OUTPUT = 'outputs:\n    - {name: "y", datatype: FP32, shape: [-1, 1]}'


def edit(root: Path, modelctl: Modelctl, path: str, old: str, new: str) -> None:
    """Change a file by hand, render, and commit it whatever `check` says."""
    text = (root / path).read_text()
    assert old in text, text
    (root / path).write_text(text.replace(old, new, 1))
    modelctl("render")
    commit(root, f"{path}: Edit by hand")


def revert(root: Path) -> None:
    """Revert the newest commit."""
    git(root, "revert", "--no-edit", "HEAD")


@pytest.fixture
def in_prod(served: Path, modelctl: Modelctl) -> Path:
    """The scratch repository with the model served in prod too, from a store."""
    text = (served / LOCAL).read_text()
    (served / PROD).write_text(text.replace("min: 1", "min: 2"))
    for release in ("r1", "r2"):
        path = served / RELEASES / f"{release}.yaml"
        path.write_text(path.read_text().replace("file:examples/artifacts/", "https://m.test/"))
    modelctl("render")
    commit(served, "apps/linear: Serve in prod")
    return served


def test_a_contract_that_fails_callers_is_refused_and_its_revert_passes(
    served: Path, modelctl: Modelctl
) -> None:
    """A promise that becomes less is refused; back and forth between known ones is free."""
    text = (served / MODEL).read_text()
    shape = text.index("shape: [-1, 1]", text.index("outputs:"))
    (served / MODEL).write_text(f"{text[:shape]}shape: [-1, -1]{text[shape + 14 :]}")
    modelctl("render")
    commit(served, "apps/linear: Promise less")
    refused = modelctl("check", exit_code=1)

    revert(served)
    back = modelctl("check")
    revert(served)
    again = modelctl("check")

    assert "contract-change-compatible outputs.y.shape[1]: found -1 (any size)" in refused
    assert ": contract-change-compatible" not in back
    assert "error" not in again.splitlines()[-1]


APPLICATION = """---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: keda, namespace: argocd}
spec:
  project: platform
  source: {repoURL: "https://charts.models.test", chart: keda, targetRevision: 2.20.2}
  destination: {server: "https://kubernetes.default.svc", namespace: keda}
  syncPolicy:
    automated: {enabled: true, selfHeal: true}
    syncOptions: [FailOnSharedResource=true, ServerSideApply=true]
    retry: {limit: 5, refresh: true, backoff: {duration: 5s, factor: 2, maxDuration: 20s}}
"""


def test_a_platform_goes_back_to_what_it_was(in_prod: Path, modelctl: Modelctl) -> None:
    """What the platform was before a rule came may return by a revert; anew it is refused."""
    keda = "argocd/platform/prod/keda.yaml"
    (in_prod / keda).parent.mkdir(parents=True, exist_ok=True)
    (in_prod / keda).write_text(APPLICATION)
    modelctl("render")
    commit(in_prod, "argocd: Scale by requests")
    edit(in_prod, modelctl, keda, "limit: 5", "limit: -1")
    revert(in_prod)
    back = modelctl("check")
    edit(in_prod, modelctl, keda, "limit: 5", "limit: 4")
    anew = modelctl("check", exit_code=1)

    assert f"{keda}:12:20: note: sync-policy-whole found limit: 5" in back
    assert f"{keda}:12:20: sync-policy-whole found limit: 4" in anew


def test_a_number_is_not_used_again(shifted: Path, modelctl: Modelctl) -> None:
    """A release that takes the number of one that is gone is refused; the old one may return."""
    modelctl("promote", *EDIT)
    modelctl("retire", *EDIT)
    text = (shifted / RELEASES / "r1.yaml").read_text()
    (shifted / RELEASES / "r1.yaml").unlink()
    commit(shifted, "apps/linear: Delete r1")
    (shifted / RELEASES / "r1.yaml").write_text(text.replace("max_inflight: 64", "max_inflight: 8"))
    commit(shifted, "apps/linear: Use r1 again")
    refused = modelctl("check", exit_code=1)
    git(shifted, "reset", "--quiet", "--hard", "HEAD~1")

    revert(shifted)

    assert f"{RELEASES}/r1.yaml:1:1: release-id-increases found the new release r1" in refused
    assert "release-id-increases" not in modelctl("check")


def test_an_address_that_changes_is_refused_and_its_revert_passes(
    in_prod: Path, modelctl: Modelctl
) -> None:
    """A hostname under traffic stays; what was merged goes back, beside other changes too."""
    edit(
        in_prod, modelctl, ENVIRONMENTS, "hostname: models.models.test", "hostname: ml.models.test"
    )
    refused = modelctl("check", exit_code=1)
    edit(
        in_prod, modelctl, ENVIRONMENTS, "hostname: ml.models.test", "hostname: models.models.test"
    )
    alone = modelctl("check")
    git(in_prod, "reset", "--quiet", "--soft", "HEAD~1")
    modelctl("shift", "linear", "--env", "local", "r2=0")
    commit(in_prod, "apps: Go back, and go on")

    assert "gateway-kept found hostname ml.models.test" in refused
    assert ": gateway-kept" not in alone.replace("note: gateway-kept", "")
    assert "note: gateway-kept found hostname models.models.test" in modelctl("check")


def test_an_environment_that_serves_is_not_removed(in_prod: Path, modelctl: Modelctl) -> None:
    """An environment goes only once no model is served there."""
    text = (in_prod / ENVIRONMENTS).read_text()
    (in_prod / ENVIRONMENTS).write_text(text[: text.index("  - name: prod")])

    output = modelctl("check", exit_code=1)

    assert "environments-kept found no prod any more, which serves 1 model: linear" in output


def test_a_file_of_a_release_is_not_deleted_alone(shifted: Path, modelctl: Modelctl) -> None:
    """The model file of a release that waits at no weight is missed when it is deleted."""
    modelctl("promote", *EDIT)
    modelctl("retire", *EDIT)
    (shifted / "examples/artifacts/linear/r1.onnx").unlink()

    output = modelctl("check", exit_code=1)

    assert "artifact-kept found no file examples/artifacts/linear/r1.onnx any more" in output


def test_what_clashes_only_once_merged_is_found(served: Path, modelctl: Modelctl) -> None:
    """A branch that deletes what main begins to use meanwhile is told before the merge."""
    git(served, "switch", "--quiet", "--create", "tidy")
    (served / RELEASES / "r2.yaml").unlink()
    commit(served, "apps/linear: Delete r2")
    alone = modelctl("check", "--base", "main")
    git(served, "switch", "--quiet", "main")
    modelctl("shift", *EDIT, "r2=0")
    git(served, "switch", "--quiet", "tidy")

    together = modelctl("check", "--base", "main", exit_code=1)

    assert alone.endswith(CLEAN)
    assert "release-exists found r2, which has no file" in together
    assert "it shows once this is merged" in together


def test_what_cannot_be_compared_is_told_as_not_asked(scratch: Path, modelctl: Modelctl) -> None:
    """In a first commit nothing is compared, and the report says which rules that leaves out."""
    git(scratch, "checkout", "--quiet", "--orphan", "alone")
    commit(scratch, "argocd: Begin")

    output = modelctl("check")

    assert "there is no commit to compare with, so that these were not asked: " in output
    assert "enter-at-zero" in output
