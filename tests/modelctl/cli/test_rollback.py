"""The way back on a real repository: it leads where it should, whatever is broken beside it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.render import applied
from scratch import PROJECT, commit, git

Modelctl = Callable[..., str]

MODEL = "apps/linear/model.yaml"
SERVING = "apps/linear/envs/local.yaml"
RENDERED = "apps/linear/rendered/local"
EDIT = ("linear", "--env", "local", "--commit")
R2 = PROJECT / "examples" / "artifacts" / "linear" / "r2.onnx"


def weights(root: Path) -> dict[str, int]:
    """The weights that are applied, read from the rendered route of HEAD."""
    path = f"{RENDERED}/httproute-linear.yaml"
    found = applied.served({path: git(root, "show", f"HEAD:{path}").encode()})
    assert found is not None
    return dict(found.weights)


def commit_edit(root: Path, path: str, old: str, new: str) -> None:
    """Change a file by hand and commit it, whatever `check` says of it."""
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))
    git(root, "commit", "--quiet", "--all", "--message", f"{path}: Edit by hand")


@pytest.fixture
def shifted(served: Path, modelctl: Modelctl) -> Path:
    """The model with r1 stable at 50 and r2 at 50."""
    modelctl("shift", *EDIT, "r2=0")
    modelctl("shift", *EDIT, "r2=50")
    return served


@pytest.fixture
def promoted(shifted: Path, modelctl: Modelctl) -> Path:
    """The model with r2 stable at 100 and r1 warm at 0."""
    modelctl("promote", *EDIT)
    return shifted


FAULTS = {
    "model": (MODEL, "name: linear", "oops: 1\nname: linear"),
    "live-release": ("apps/linear/releases/r2.yaml", "artifact:", "oops: 1\nartifact:"),
    "target-release": ("apps/linear/releases/r1.yaml", "artifact:", "oops: 1\nartifact:"),
    "environments": ("argocd/environments.yaml", "environments:", "oops: 1\nenvironments:"),
    "serving": (SERVING, "stable:", "oops: 1\nstable:"),
    "serving-syntax": (SERVING, "stable:", "stable: [\nstable:"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_rollback_applies_what_ran_whatever_is_broken(
    fault: str, promoted: Path, modelctl: Modelctl
) -> None:
    """After a promotion and a fault beside it, a rollback changes the bytes that are applied."""
    commit_edit(promoted, *FAULTS[fault])

    output = modelctl("rollback", *EDIT)

    assert 100 == weights(promoted)["r1"]
    assert "Roll back to r1 in local" in output
    assert "" == git(promoted, "status", "--porcelain")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_rollback_in_mid_shift_needs_no_valid_neighbour(
    fault: str, shifted: Path, modelctl: Modelctl
) -> None:
    """In the middle of a shift the stable release gets everything, whatever is broken."""
    commit_edit(shifted, *FAULTS[fault])

    modelctl("rollback", *EDIT)

    assert {"r1": 100, "r2": 0} == weights(shifted)


def test_a_canary_that_never_settled_is_left_with_a_broken_model_file(
    served: Path, modelctl: Modelctl
) -> None:
    """Where no state had the stable release at 100, the last typed files that worked are used."""
    modelctl("shift", *EDIT, "r2=0")
    commit_edit(served, SERVING, "{r1: 100, r2: 0}", "{r1: 95, r2: 5}")
    modelctl("render")
    git(served, "commit", "--quiet", "--all", "--amend", "--message", "apps/linear: Shift")
    root = git(served, "commit-tree", "HEAD^{tree}", "-m", "root: Begin here").strip()
    git(served, "reset", "--quiet", "--hard", root)
    commit_edit(served, *FAULTS["model"])

    modelctl("rollback", *EDIT)

    assert {"r1": 100, "r2": 0} == weights(served)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        *((fault, ("shift", "r2=90")) for fault in ("model", "live-release", "environments")),
        *((fault, ("promote",)) for fault in ("model", "live-release", "environments")),
        *((fault, ("retire",)) for fault in ("model", "target-release", "environments")),
    ],
)
def test_other_edits_are_refused_where_nothing_can_be_rendered(
    fault: str, words: tuple[str, ...], shifted: Path, modelctl: Modelctl
) -> None:
    """An edit whose result cannot be rendered is refused loudly and writes nothing."""
    if words[0] == "retire":
        modelctl("rollback", *EDIT)
    commit_edit(shifted, *FAULTS[fault])
    before = git(shifted, "rev-parse", "HEAD")

    output = modelctl(words[0], *EDIT, *words[1:], exit_code=1)

    assert "nothing was written" in output
    assert before == git(shifted, "rev-parse", "HEAD")
    assert "" == git(shifted, "status", "--porcelain")


def test_mid_shift_does_not_ask_history(promoted: Path, modelctl: Modelctl) -> None:
    """After a promotion was reverted into the shift, a rollback leads to stable, not onwards."""
    git(promoted, "revert", "--no-edit", "HEAD")

    modelctl("rollback", *EDIT)

    assert {"r1": 100, "r2": 0} == weights(promoted)


def test_a_side_branch_never_served(promoted: Path, modelctl: Modelctl) -> None:
    """A release that had everything on a branch that was merged otherwise is no way back."""
    modelctl("release", "linear", "--artifact", str(R2), "--commit")
    git(promoted, "switch", "--quiet", "--create", "side")
    modelctl("shift", *EDIT, "r3=0")
    modelctl("shift", *EDIT, "r3=50")
    modelctl("promote", *EDIT, "--release", "r3")
    modelctl("shift", *EDIT, "r2=99", "r3=1")
    modelctl("promote", *EDIT, "--release", "r2")
    git(promoted, "switch", "--quiet", "main")
    git(promoted, "merge", "--quiet", "--no-ff", "--no-edit", "side")

    modelctl("rollback", *EDIT)

    assert 100 == weights(promoted)["r1"]


def test_a_release_that_was_rolled_back_from_is_no_target(
    promoted: Path, modelctl: Modelctl
) -> None:
    """A second rollback never goes forward to what the first one left."""
    modelctl("rollback", *EDIT)

    output = modelctl("rollback", *EDIT, exit_code=1)

    assert "found no release that was stable in local before r1" in output
    assert "name one with --to; releases: r1, r2" in output
    assert 100 == weights(promoted)["r1"]


def test_a_cold_release_starts_first(promoted: Path, modelctl: Modelctl) -> None:
    """A release that was retired comes back in two steps: warm, then with the traffic."""
    modelctl("retire", *EDIT)

    first = modelctl("rollback", *EDIT)
    between = weights(promoted)
    second = modelctl("rollback", *EDIT)

    assert "Start r1 in local to roll back" in first
    assert "run the same command again" in first
    assert {"r2": 100, "r1": 0} == between
    assert "Roll back to r1 in local" in second
    assert {"r2": 0, "r1": 100} == weights(promoted)


def test_a_cold_release_can_be_had_at_once(promoted: Path, modelctl: Modelctl) -> None:
    """With --now one commit does it, and says what fails until the servers are there."""
    modelctl("retire", *EDIT)

    output = modelctl("rollback", *EDIT, "--now")

    assert 100 == weights(promoted)["r1"]
    assert (
        "until its servers are ready, requests to linear in local are answered with 503" in output
    )


def test_waiting_needs_an_engine(promoted: Path, modelctl: Modelctl) -> None:
    """Where nothing here runs the environment, --wait starts the release and says who can tell."""
    modelctl("retire", *EDIT)

    output = modelctl("rollback", *EDIT, "--wait", exit_code=2)

    assert {"r2": 100, "r1": 0} == weights(promoted)
    assert "no `modelctl up` runs local here" in output


def test_a_file_that_is_gone_comes_back(promoted: Path, modelctl: Modelctl) -> None:
    """A release whose file was removed after it was retired is brought back from git."""
    before = (promoted / "apps/linear/releases/r1.yaml").read_bytes()
    modelctl("retire", *EDIT)
    git(promoted, "rm", "--quiet", "apps/linear/releases/r1.yaml")
    git(promoted, "commit", "--quiet", "--message", "apps/linear: Remove r1")

    modelctl("rollback", *EDIT, "--now")

    assert before == (promoted / "apps/linear/releases/r1.yaml").read_bytes()
    assert 100 == weights(promoted)["r1"]


def test_bits_that_never_served_do_not_come_back(promoted: Path, modelctl: Modelctl) -> None:
    """A release file that was edited since is restored: what comes back is what ran."""
    path = "apps/linear/releases/r1.yaml"
    before = (promoted / path).read_bytes()
    modelctl("retire", *EDIT)
    commit_edit(promoted, path, "max_inflight: 64", "max_inflight: 32")

    modelctl("rollback", *EDIT, "--now")

    assert before == (promoted / path).read_bytes()
    assert '"64"' in git(promoted, "show", f"HEAD:{RENDERED}/deployment-linear-r1.yaml")


def test_a_reused_number_is_another_release(promoted: Path, modelctl: Modelctl) -> None:
    """A release is its content: the same number with other bits does not count as the same."""
    path = "apps/linear/releases/r1.yaml"
    first = (promoted / path).read_bytes()
    modelctl("retire", *EDIT)
    commit_edit(promoted, path, "max_inflight: 64", "max_inflight: 16")
    modelctl("shift", *EDIT, "r1=0")
    modelctl("promote", *EDIT, "--release", "r1")

    modelctl("rollback", *EDIT)
    modelctl("rollback", *EDIT)

    assert first == (promoted / path).read_bytes()
    assert 100 == weights(promoted)["r1"]


def test_a_comment_makes_no_other_release(promoted: Path, modelctl: Modelctl) -> None:
    """What a release comes down to does not change with a comment in its file."""
    commit_edit(promoted, "apps/linear/releases/r2.yaml", "artifact:", "# seen\nartifact:")

    modelctl("rollback", *EDIT)

    assert {"r1": 100, "r2": 0} == weights(promoted)


def test_any_release_can_be_named(promoted: Path, modelctl: Modelctl) -> None:
    """With --to another release is the target; where it has everything already it says so."""
    output = modelctl("rollback", *EDIT, "--to", "r2", exit_code=1)
    modelctl("rollback", *EDIT, "--to", "r1")

    assert "r2 has all traffic of linear in local already" in output
    assert {"r1": 100, "r2": 0} == weights(promoted)


def test_a_named_release_comes_back_as_it_was_deployed(promoted: Path, modelctl: Modelctl) -> None:
    """Of a file that was edited and then removed, what comes back is what was deployed last."""
    path = "apps/linear/releases/r1.yaml"
    before = (promoted / path).read_bytes()
    modelctl("retire", *EDIT)
    commit_edit(promoted, path, "threads: 1", "threads: 4")
    git(promoted, "rm", "--quiet", path)
    git(promoted, "commit", "--quiet", "--message", "apps/linear: Remove r1")

    modelctl("rollback", *EDIT, "--to", "r1", "--now")

    assert before == (promoted / path).read_bytes()
    assert 100 == weights(promoted)["r1"]


@pytest.mark.parametrize(
    ("mirrored", "kept"), [("r1", []), ("r3", ["shadow: {release: r3, percent: 10}"])]
)
def test_a_shadow_gives_way_to_traffic(
    mirrored: str, kept: list[str], promoted: Path, modelctl: Modelctl
) -> None:
    """A release is not deployed and mirrored to at once; the shadow of another stays."""
    modelctl("retire", *EDIT)
    modelctl("release", "linear", "--artifact", str(R2.with_name("r1.onnx")), "--commit")
    shadow = f"shadow: {{release: {mirrored}, percent: 10}}\n"
    commit_edit(promoted, SERVING, "scale:", f"{shadow}scale:")
    modelctl("render")
    commit(promoted, "apps/linear: Mirror")

    modelctl("rollback", *EDIT)

    lines = (promoted / SERVING).read_text().splitlines()
    assert kept == [line for line in lines if line.startswith("shadow")]
    assert "r1" in weights(promoted)


def test_a_release_that_never_was_is_refused(promoted: Path, modelctl: Modelctl) -> None:
    """A name that no file and no past state has is refused with those that there are."""
    output = modelctl("rollback", *EDIT, "--to", "r9", exit_code=1)

    assert "found no r9 of linear" in output
    assert "releases: r1, r2" in output
    assert 100 == weights(promoted)["r2"]


def test_what_cannot_be_brought_back_is_refused_with_the_faults(
    served: Path, modelctl: Modelctl
) -> None:
    """Where neither today's files nor any state of git give the target, it is said what to mend."""
    commit_edit(served, *FAULTS["model"])
    root = git(served, "commit-tree", "HEAD^{tree}", "-m", "root: Begin here").strip()
    git(served, "reset", "--quiet", "--hard", root)

    output = modelctl("rollback", *EDIT, "--to", "r2", "--now", exit_code=1)

    assert "nothing was written: linear cannot be rendered in local" in output
    assert f"{MODEL}:2:1: schema-valid found the unknown field" in output


def test_a_shift_is_left_before_the_first_commit(shifted: Path, modelctl: Modelctl) -> None:
    """Without any history the stable release gets everything, in the middle of a shift."""
    shutil.rmtree(shifted / ".git")
    git(shifted, "init", "--quiet", "--initial-branch=main")

    modelctl("rollback", "linear", "--env", "local")

    assert "{r1: 100, r2: 0}" in (shifted / SERVING).read_text()


def test_a_shallow_clone_says_that_it_is(
    promoted: Path, modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Where history was cut off, the refusal says how to get it."""
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", "--depth", "1", f"file://{promoted}", ".")
    monkeypatch.chdir(clone)

    output = modelctl("rollback", *EDIT, exit_code=1)

    assert "this clone is shallow: `git fetch --unshallow` brings the history" in output


def test_a_model_that_was_removed_names_the_commit(served: Path, modelctl: Modelctl) -> None:
    """A model that is not served any more is not guessed at: the commit to revert is named."""
    git(served, "rm", "--quiet", "-r", SERVING, RENDERED)
    git(served, "commit", "--quiet", "--message", "apps/linear: Remove from local")

    output = modelctl("rollback", *EDIT, exit_code=1)

    assert f"`git revert {git(served, 'rev-parse', 'HEAD')[:12]}` brings it back" in output


def test_the_whole_way_back_is_one_release_at_a_time(promoted: Path, modelctl: Modelctl) -> None:
    """Two promotions are left in the order in which they came."""
    modelctl("release", "linear", "--artifact", str(R2), "--commit")
    commit_edit(promoted, "apps/linear/releases/r3.yaml", "max_inflight: 64", "max_inflight: 32")
    modelctl("shift", *EDIT, "r3=0")
    modelctl("promote", *EDIT, "--release", "r3")

    modelctl("rollback", *EDIT)
    first = weights(promoted)
    modelctl("rollback", *EDIT)

    assert 100 == first["r2"]
    assert 100 == weights(promoted)["r1"]


def test_check_lets_a_way_back_pass(promoted: Path, modelctl: Modelctl) -> None:
    """A commit that only returns to applied bytes passes, and says why its errors are notes."""
    commit_edit(promoted, *FAULTS["model"])
    failed = modelctl("check", exit_code=1)

    modelctl("rollback", *EDIT)
    passed = modelctl("check")

    assert "1 error" in failed
    assert ": note: schema-valid" in passed
    assert "linear in local is back at what was applied at" in passed


def test_check_still_refuses_what_is_new(promoted: Path, modelctl: Modelctl) -> None:
    """A fault in typed files whose rendering did not change is no way back."""
    commit_edit(promoted, *FAULTS["model"])

    output = modelctl("check", exit_code=1)

    assert ": schema-valid found the unknown field" in output


def test_check_in_a_shallow_clone_says_what_it_cannot_see(
    promoted: Path, modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A clone without history cannot know a way back, and says how to let it."""
    commit_edit(promoted, *FAULTS["model"])
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", "--depth", "1", f"file://{promoted}", ".")
    monkeypatch.chdir(clone)

    output = modelctl("check", exit_code=1)

    assert "this clone is shallow" in output
    assert "fetch-depth: 0" in output


def test_a_revert_passes_check_whatever_was_wrong_before(
    promoted: Path, modelctl: Modelctl
) -> None:
    """`git revert` of a promotion passes, although main had an error before and has it still."""
    commit_edit(promoted, *FAULTS["model"])
    git(promoted, "revert", "--no-edit", "HEAD~1")

    output = modelctl("check")

    assert ": note: schema-valid" in output
    assert {"r1": 50, "r2": 50} == weights(promoted)


def test_a_way_back_excuses_nothing_else(promoted: Path, modelctl: Modelctl) -> None:
    """A change that brings something besides the way back is held to every rule."""
    git(promoted, "revert", "--no-edit", "--no-commit", "HEAD")
    path = promoted / "apps/other/model.yaml"
    path.parent.mkdir()
    path.write_text("name: other\n")
    git(promoted, "add", "--all")
    git(promoted, "commit", "--quiet", "--message", "apps: Revert, and add another")

    output = modelctl("check", exit_code=1)

    assert "apps/other/model.yaml:1:1: schema-valid" in output


def test_an_edit_that_was_never_rendered_does_not_come_along(
    shifted: Path, modelctl: Modelctl
) -> None:
    """What gets the traffic is what runs, not what somebody has made of its file since."""
    path = "apps/linear/releases/r1.yaml"
    before = (shifted / path).read_bytes()
    deployment = f"{RENDERED}/deployment-linear-r1.yaml"
    runs = (shifted / deployment).read_bytes()
    commit_edit(shifted, path, "threads: 1", "threads: 4")

    modelctl("rollback", *EDIT)

    assert {"r1": 100, "r2": 0} == weights(shifted)
    assert runs == (shifted / deployment).read_bytes()
    assert before == (shifted / path).read_bytes()


def test_a_model_without_any_traffic_gets_its_stable_release_back(
    promoted: Path, modelctl: Modelctl
) -> None:
    """Where a hand edit took all traffic away, one command gives it back at once."""
    commit_edit(promoted, SERVING, "{r1: 0, r2: 100}", "{r1: 0, r2: 0}")
    modelctl("render")
    git(promoted, "commit", "--quiet", "--all", "--message", "apps/linear: Take all away")

    modelctl("rollback", *EDIT)

    assert {"r1": 0, "r2": 100} == weights(promoted)
