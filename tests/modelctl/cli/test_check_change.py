"""`modelctl check` of changes in a real repository: what is refused, and what never is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scratch import commit, git

Modelctl = Callable[..., str]

MODEL = "apps/linear/model.yaml"
ENVIRONMENTS = "argocd/environments.yaml"
REGION = ("template: v2", "template: v2\n    stores: {variables: {AWS_REGION: eu}}")
R1, R2 = "apps/linear/releases/r1.yaml", "apps/linear/releases/r2.yaml"
SERVING = "apps/linear/envs/local.yaml"
EDIT = ("linear", "--env", "local", "--commit")
CLEAN = "no findings\n"


def edit(root: Path, modelctl: Modelctl, path: str, old: str, new: str) -> None:
    """Change a file by hand, render, and commit it whatever `check` says."""
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))
    modelctl("render")
    commit(root, f"{path}: Edit by hand")


def revert(root: Path) -> None:
    """Revert the newest commit."""
    git(root, "revert", "--no-edit", "HEAD")


def test_the_operations_have_no_findings(served: Path, modelctl: Modelctl) -> None:
    """Steps of at most 50 points, promotions and rollbacks by command are clean, one by one."""
    found = {}
    for words in (
        *(("shift", "r2=0"), ("shift", "r2=50"), ("shift", "r2=90"), ("rollback",)),
        *(("shift", "r2=50"), ("promote",), ("rollback",), ("retire", "--release", "r2")),
        *(("shift", "r2=0"), ("shift", "r2=50"), ("promote",)),
    ):
        modelctl(words[0], *EDIT, *words[1:])
        found[git(served, "log", "--format=%s", "-1")] = modelctl("check").endswith(CLEAN)

    assert all(found.values()), found


OPERATIONS = {
    "an introduction": (("shift", "r2=0"),),
    "a shift": (("shift", "r2=0"), ("shift", "r2=50")),
    "a promotion": (("shift", "r2=0"), ("shift", "r2=50"), ("promote",)),
    "a promotion of a canary": (("shift", "r2=0"), ("shift", "r2=5"), ("promote",)),
    "a retirement": (
        *(("shift", "r2=0"), ("shift", "r2=50"), ("promote",)),
        ("retire", "--release", "r1"),
    ),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_revert_of_an_operation_passes(
    operation: str, served: Path, modelctl: Modelctl
) -> None:
    """Whatever a command did, `git revert` of its commit is not refused."""
    for words in OPERATIONS[operation]:
        modelctl(words[0], *EDIT, *words[1:])

    revert(served)

    assert modelctl("check").endswith(CLEAN)


def test_the_revert_of_a_new_model_passes(scratch: Path, served: Path, modelctl: Modelctl) -> None:
    """A model that was added is taken out again with a word on its traffic, and no refusal."""
    git(served, "revert", "--no-edit", "HEAD", "HEAD~1")

    output = modelctl("check", "--base", "HEAD~2")

    assert not (scratch / "apps/linear").exists()
    assert f"{SERVING}:1:1: warning: removal-impact found linear taken out of local" in output


BY_HAND = {
    "enter-at-zero": ((SERVING, "{r1: 100}", "{r1: 50, r2: 50}"),),
    "drain-before-retire": (
        (SERVING, "{r1: 100}", "{r1: 100, r2: 0}"),
        (SERVING, "{r1: 100, r2: 0}", "{r1: 50, r2: 50}"),
        (SERVING, "r1\nweights: {r1: 50, r2: 50}", "r2\nweights: {r2: 100}"),
    ),
    "release-immutable": ((R1, "max_inflight: 64", "max_inflight: 32"),),
}


@pytest.mark.parametrize("rule", BY_HAND)
def test_a_hand_edit_is_refused_and_its_revert_passes(
    rule: str, served: Path, modelctl: Modelctl
) -> None:
    """What a cluster cannot follow is refused; if it was merged anyway, the way back is free."""
    for path, old, new in BY_HAND[rule]:
        edit(served, modelctl, path, old, new)
    refused = modelctl("check", exit_code=1)

    revert(served)

    assert f": {rule} found" in refused or f": {rule} runtime" in refused
    modelctl("check")


def test_a_way_back_that_a_rule_would_refuse_is_a_note(served: Path, modelctl: Modelctl) -> None:
    """The revert of a cold entrance removes a release under traffic, which is said and passes."""
    edit(served, modelctl, SERVING, "{r1: 100}", "{r1: 50, r2: 50}")

    revert(served)

    output = modelctl("check")
    assert f"{SERVING}:3:1: note: drain-before-retire found no r2 any more" in output
    assert "linear in local is back at what was applied at" in output


def test_a_rollback_to_a_cold_release_is_told_and_passes(shifted: Path, modelctl: Modelctl) -> None:
    """What `rollback --now` commits is not held back by the rule that releases enter at 0."""
    modelctl("promote", *EDIT)
    modelctl("retire", *EDIT)
    edit(shifted, modelctl, SERVING, "target: 70", "target: 60")

    modelctl("rollback", *EDIT, "--now")

    output = modelctl("check")
    assert "warning: capacity-for-weight found r1 at 100 %, which is answered with 503" in output
    assert output.endswith(": 1 warning\n")


def test_a_number_with_other_content_is_no_way_back(shifted: Path, modelctl: Modelctl) -> None:
    """A release is its content: a file that never served enters at 0, whatever it is called."""
    modelctl("promote", *EDIT)
    modelctl("retire", *EDIT)
    edit(shifted, modelctl, R1, "max_inflight: 64", "max_inflight: 32")
    edit(shifted, modelctl, SERVING, "{r2: 100}", "{r2: 50, r1: 50}")

    assert "enter-at-zero found r1 at 50 %" in modelctl("check", exit_code=1)


def test_a_release_that_returns_to_what_it_was_passes(shifted: Path, modelctl: Modelctl) -> None:
    """An edit in place that was merged is put right by hand, where nothing was rendered of it."""
    modelctl("promote", *EDIT)
    modelctl("retire", *EDIT)
    edit(shifted, modelctl, R1, "max_inflight: 64", "max_inflight: 32")

    edit(shifted, modelctl, R1, "max_inflight: 32", "# as ever\n  max_inflight: 64")

    modelctl("check")


def test_two_steps_in_one_branch_are_one_change(served: Path, modelctl: Modelctl) -> None:
    """What a merge puts into force at once is compared with the branch that it is merged to."""
    git(served, "switch", "--quiet", "--create", "canary")
    modelctl("shift", *EDIT, "r2=0")
    modelctl("shift", *EDIT, "r2=10")

    alone, merged = modelctl("check"), modelctl("check", "--base", "main", exit_code=1)

    assert alone.endswith(CLEAN)
    assert "enter-at-zero found r2 at 10 %" in merged


def test_a_branch_is_compared_with_where_it_left(served: Path, modelctl: Modelctl) -> None:
    """What main did since is no change of the branch, in the work tree or by its name."""
    git(served, "switch", "--quiet", "--create", "canary")
    modelctl("shift", *EDIT, "r2=0")
    git(served, "switch", "--quiet", "main")
    edit(served, modelctl, R1, "max_inflight: 64", "max_inflight: 32")
    named = modelctl("check", "--ref", "canary", "--base", "main")
    git(served, "switch", "--quiet", "canary")

    assert named.endswith(CLEAN)
    assert modelctl("check", "--base", "main").endswith(CLEAN)


def test_a_return_excuses_what_is_typed_beside_it_and_no_more(
    shifted: Path, modelctl: Modelctl
) -> None:
    """Bytes that were applied before pass with a broken serving file, and not with a new model."""
    modelctl("promote", *EDIT)
    git(shifted, "checkout", "--quiet", "HEAD~1", "--", "apps/linear/rendered/local")
    serving = shifted / SERVING
    serving.write_text(serving.read_text().replace("stable:", "oops: 1\nstable:"))
    _add_a_faulty_model(shifted)

    output = modelctl("check", exit_code=1)

    assert f"{SERVING}:2:1: note: schema-valid found the unknown field" in output
    assert "apps/other/model.yaml:1:1: schema-valid" in output


def test_a_return_by_typed_files_excuses_what_was_wrong_already(
    shifted: Path, modelctl: Modelctl
) -> None:
    """The revert of an edit of `model.yaml` passes, whatever else is broken."""
    edit(
        shifted,
        modelctl,
        MODEL,
        "service_level:",
        "access: {api_keys: {secret: k}}\nservice_level:",
    )
    _add_a_faulty_model(shifted)

    git(shifted, "revert", "--no-edit", "HEAD~1")

    output = modelctl("check")
    assert "apps/other/model.yaml:1:1: note: schema-valid" in output


def _add_a_faulty_model(root: Path) -> None:
    path = root / "apps/other/model.yaml"
    path.parent.mkdir()
    path.write_text("name: other\n")
    commit(root, "apps/other: Begin")


def test_a_setting_that_all_pods_have_says_what_it_restarts(
    shifted: Path, modelctl: Modelctl
) -> None:
    """A store that is edited restarts every Deployment: a warning, at the environment."""
    edit(shifted, modelctl, ENVIRONMENTS, *REGION)

    output = modelctl("check")

    assert f"{ENVIRONMENTS}:" in output
    assert "warning: restart-impact" in output
    assert "which restarts 2 Deployments of linear at once: 2 in local" in output


def test_what_a_model_promises_restarts_nothing(shifted: Path, modelctl: Modelctl) -> None:
    """A service level that is edited changes no rendered file, and gives no warning."""
    edit(shifted, modelctl, MODEL, "latency_p99_ms: 100", "latency_p99_ms: 20000")

    assert "restart-impact" not in modelctl("check")


def test_only_the_models_of_a_path_are_compared(shifted: Path, modelctl: Modelctl) -> None:
    """`check PATH` tells of the change of the models that it looks at, and of no other."""
    edit(shifted, modelctl, R2, "max_inflight: 64", "max_inflight: 32")

    assert "release-immutable" in modelctl("check", "apps/linear", exit_code=1)
    assert modelctl("check", "argocd").endswith("no findings in argocd\n")
