"""Where the way back leads: to bytes that served, by content and not by name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scratch import commit, git
from tests.modelctl.cli.linear import EDIT, R2, RENDERED, SERVING, commit_edit, weights

Modelctl = Callable[..., str]


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
