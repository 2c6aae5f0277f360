"""The editing commands on a real repository: files, rendering, refusals and commits."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto

from modelctl.edit import transaction
from onnx_models import model, node
from scratch import PROJECT, git

Modelctl = Callable[..., str]
ARTIFACTS = PROJECT / "examples" / "artifacts" / "linear"
IMAGE = f"registry.example.com/modelserver@sha256:{'ab' * 32}"

SERVING = "apps/linear/envs/local.yaml"
ROUTE = "apps/linear/rendered/local/httproute-linear.yaml"
EDIT = ("linear", "--env", "local", "--commit")


def test_new_reads_contract_digest_and_size_from_the_file(served: Path) -> None:
    """The first files of a model say what its ONNX file says."""
    release = (served / "apps/linear/releases/r1.yaml").read_text()

    assert "name: x, datatype: FP32, shape: [-1, 1]" in release
    assert f"bytes: {(ARTIFACTS / 'r1.onnx').stat().st_size}" in release


def test_new_puts_the_artifact_where_the_mirror_reads_it(served: Path) -> None:
    """The artifact is committed at the place that environment `local` reads."""
    copied = served / "examples/artifacts/linear/r1.onnx"

    assert (ARTIFACTS / "r1.onnx").read_bytes() == copied.read_bytes()


def test_the_five_operations_leave_a_clean_history(served: Path, modelctl: Modelctl) -> None:
    """Introduce, shift, promote, roll back and retire each make one conventional commit."""
    modelctl("shift", *EDIT, "r2=0")
    modelctl("shift", *EDIT, "r2=10")
    modelctl("promote", *EDIT)
    modelctl("rollback", *EDIT)
    modelctl("retire", *EDIT, "--release", "r2")

    assert git(served, "status", "--porcelain") == ""
    assert [
        "apps/linear: Retire r2 in local",
        "apps/linear: Roll back to r1 in local",
        "apps/linear: Promote r2 in local",
        "apps/linear: Send 10% to r2 in local",
        "apps/linear: Introduce r2 in local",
        "apps/linear: Add release r2",
        "apps/linear: Add model with release r1",
    ] == git(served, "log", "--format=%s", "--", "apps/linear").splitlines()


def test_a_shift_touches_two_numbers_and_their_rendering(served: Path, modelctl: Modelctl) -> None:
    """A shift changes one line of the serving file, and only routes and weights below rendered/."""
    modelctl("shift", *EDIT, "r2=0")
    modelctl("shift", *EDIT, "r2=10")

    changed = git(served, "show", "--numstat", "--format=").splitlines()
    calls = ROUTE.replace(".yaml", "-grpc.yaml")
    series = "apps/linear/rendered/local/prometheusrule-linear.weights.yaml"
    rendered = [calls, ROUTE, series]
    assert [f"1\t1\t{SERVING}", *(f"2\t2\t{path}" for path in rendered)] == changed


def test_a_revert_restores_the_bytes(served: Path, modelctl: Modelctl) -> None:
    """`git revert` of a shift gives back typed and rendered files byte for byte."""
    modelctl("shift", *EDIT, "r2=0")
    before = git(served, "rev-parse", "HEAD:apps")
    modelctl("shift", *EDIT, "r2=50")

    git(served, "revert", "--no-edit", "HEAD")

    assert before == git(served, "rev-parse", "HEAD:apps")


def test_an_edit_that_check_would_refuse_writes_nothing(served: Path, modelctl: Modelctl) -> None:
    """A release that does not exist is refused by its rule, and no file changes."""
    output = modelctl("shift", "linear", "--env", "local", "r9=0", exit_code=1)

    assert "release-exists" in output
    assert git(served, "status", "--porcelain") == ""


def test_an_edit_is_not_held_back_by_faults_of_others(served: Path, modelctl: Modelctl) -> None:
    """A broken model elsewhere never blocks the rollback of this one."""
    modelctl("shift", *EDIT, "r2=0")
    modelctl("shift", *EDIT, "r2=50")
    broken = served / "apps" / "broken" / "model.yaml"
    broken.parent.mkdir()
    broken.write_text("name: other\n")

    modelctl("rollback", *EDIT)

    assert "{r1: 100, r2: 0}" in (served / SERVING).read_text()


def test_a_commit_never_takes_uncommitted_changes_along(served: Path, modelctl: Modelctl) -> None:
    """A serving file that somebody is editing is refused, and stays as it is."""
    path = served / SERVING
    path.write_text(path.read_text() + "# half a thought\n")

    output = modelctl("shift", *EDIT, "r2=0", exit_code=1)

    assert "uncommitted changes" in output
    assert path.read_text().endswith("# half a thought\n")


def test_without_commit_the_work_tree_is_edited(served: Path, modelctl: Modelctl) -> None:
    """Without --commit the files are written for a person to review."""
    modelctl("shift", "linear", "--env", "local", "r2=0")

    assert f" M {SERVING}" in git(served, "status", "--porcelain").splitlines()


def test_releases_can_be_repeated_with_another_image_and_place(
    served: Path, modelctl: Modelctl
) -> None:
    """Every model gets a release with the same bytes, another image and another bucket."""
    image = IMAGE.replace("registry.example.com", "registry.mine.example")

    modelctl("release", "--all", "--image", image, "--artifacts-at", "s3://mine/", "--commit")

    release = (served / "apps/linear/releases/r3.yaml").read_text()
    former = (served / "apps/linear/releases/r2.yaml").read_text()
    assert 'uri: "s3://mine/linear/r2.onnx"' in release
    assert image in release
    assert former.split("sha256:")[1].split()[0] == release.split("sha256:")[1].split()[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("shift", "linear", "--env", "local", "r2:10"), "expected RELEASE=PERCENT"),
        (("shift", "absent", "--env", "local", "r2=10"), "found the model 'absent'"),
        (("release", "linear"), "found nothing new"),
        (("release", "linear", "--artifact", "absent.onnx"), "absent.onnx cannot be read"),
        (("release", "linear", "--artifact", "argocd/environments.yaml"), "not an ONNX file"),
        (("history", "linear", "--at", "yesterday"), "expected ISO 8601"),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, tuple) else "",
)
def test_bad_words_are_named(
    served: Path, modelctl: Modelctl, words: tuple[str, ...], message: str
) -> None:
    """A command line that cannot be done exits 2 and says what was expected."""
    assert message in modelctl(*words, exit_code=2)
    assert git(served, "status", "--porcelain") == ""


def test_new_refuses_a_name_that_leaves_the_folder(scratch: Path, modelctl: Modelctl) -> None:
    """A model name is a DNS label, never a path."""
    words = ("--artifact", str(ARTIFACTS / "r1.onnx"), "--owner", "forecasting",
             "--description", "d", "--image", IMAGE)  # fmt: skip

    assert "expected lower-case letters, digits and hyphens" in modelctl(
        "new", "../escape", *words, exit_code=2
    )
    assert not (scratch / "escape").exists()


@pytest.mark.usefixtures("served")
def test_history_tells_who_served_when(modelctl: Modelctl) -> None:
    """Each traffic state is one line with weights, commit, author and subject."""
    modelctl("shift", *EDIT, "r2=0")

    lines = modelctl("history", "linear", "--env", "local").splitlines()

    assert ["r1=100 r2=0", "r1=100"] == [line.split("  ")[3] for line in lines]
    assert lines[0].endswith("Test: apps/linear: Introduce r2 in local")


def test_two_editors_do_not_meet(served: Path, modelctl: Modelctl) -> None:
    """While one edit holds the lock, another says so and changes nothing."""
    with transaction.only_writer(served):
        output = modelctl("shift", *EDIT, "r2=0", exit_code=2)

    assert "another modelctl is editing" in output
    assert git(served, "status", "--porcelain") == ""


def test_nothing_is_written_through_a_symbolic_link(
    served: Path, modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A folder that is a link out of the tree is refused, and nothing appears behind it."""
    outside = tmp_path_factory.mktemp("outside")
    folder = served / "apps/linear/rendered/local"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.symlink_to(outside)

    output = modelctl("render", exit_code=2)

    assert "apps/linear/rendered/local is a symbolic link" in output
    assert [] == list(outside.iterdir())


def test_a_platform_file_keeps_nothing_from_being_rendered(
    served: Path, modelctl: Modelctl
) -> None:
    """A fault in what Argo CD is given is the check's to tell; rendering reads no such file."""
    (served / "argocd/config/configmap-argocd-cm.yaml").write_text("spec: [\n")

    assert "" == modelctl("render")
    assert "yaml-strict" in modelctl("check", exit_code=1)


def test_another_address_is_rendered_wherever_it_is_repeated(
    served: Path, modelctl: Modelctl
) -> None:
    """The README's way to another repository: one line is edited, and the rest follows."""
    old, new = "https://git.models.test/platform/models.git", "https://git.ours.test/a.git"
    environments = served / "argocd/environments.yaml"
    environments.write_text(environments.read_text().replace(old, new))
    repeated = git(served, "grep", "-l", "-F", old, "argocd").split()

    refused = modelctl("check", exit_code=1)
    modelctl("render")

    assert "rendered-current" in refused
    assert modelctl("check").endswith("no findings\n")
    assert set(repeated) <= set(git(served, "grep", "-l", "-F", new, "argocd").split())
    assert "" == git(served, "ls-files", "--others")


def test_an_edit_leaves_stale_files_of_other_models_alone(served: Path, modelctl: Modelctl) -> None:
    """A commit about one model never carries what is stale in another."""
    modelctl(
        "new", "other", "--artifact", str(ARTIFACTS / "r1.onnx"), "--owner", "forecasting",
        "--description", "Predicts y from x.", "--image", IMAGE, "--commit",
    )  # fmt: skip
    route = served / "apps/other/rendered/local/httproute-other.yaml"
    route.write_text(route.read_text() + "# by hand\n")
    git(served, "commit", "--quiet", "--all", "--message", "apps/other: Edit by hand")

    modelctl("shift", *EDIT, "r2=0")

    changed = git(served, "show", "--name-only", "--format=").splitlines()
    assert changed
    assert [] == [path for path in changed if not path.startswith("apps/linear/")]


@pytest.mark.parametrize(
    "words", [("shift", "r2=0"), ("promote", "--release", "r2")], ids=["introduce", "promote"]
)
def test_a_faulty_release_is_never_made_live(
    words: tuple[str, ...], served: Path, modelctl: Modelctl
) -> None:
    """An error in what an edit makes live refuses it, however old the error is."""
    if words[0] == "promote":
        modelctl("shift", *EDIT, "r2=0")
    release = served / "apps/linear/releases/r2.yaml"
    release.write_text(release.read_text().replace("ai.onnx: 1", "ai.onnx: 99"))
    git(served, "commit", "--quiet", "--all", "--message", "apps/linear: Edit r2 by hand")

    output = modelctl(words[0], *EDIT, *words[1:], exit_code=1)

    assert "opset-supported" in output
    assert "" == git(served, "status", "--porcelain")


def test_a_faulty_release_can_be_left(served: Path, modelctl: Modelctl) -> None:
    """An old error in what loses traffic does not stand in the way of taking the traffic away."""
    modelctl("shift", *EDIT, "r2=0")
    modelctl("shift", *EDIT, "r2=50")
    release = served / "apps/linear/releases/r2.yaml"
    release.write_text(release.read_text().replace("ai.onnx: 1", "ai.onnx: 99"))
    git(served, "commit", "--quiet", "--all", "--message", "apps/linear: Edit r2 by hand")

    modelctl("shift", *EDIT, "r2=0")

    assert "{r1: 100, r2: 0}" in (served / SERVING).read_text()


def test_a_number_is_never_given_twice(served: Path, modelctl: Modelctl) -> None:
    """A release whose file was removed keeps its number: what was bound to it stays so."""
    git(served, "rm", "--quiet", "apps/linear/releases/r2.yaml")
    git(served, "commit", "--quiet", "--message", "apps/linear: Remove r2")

    output = modelctl("release", "linear", "--artifact", str(ARTIFACTS / "r2.onnx"), "--commit")

    assert "apps/linear: Add release r3" in output


def test_a_release_gets_the_memory_that_its_artifact_needs(
    served: Path, modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is too little for a larger artifact is not repeated from the release before."""
    heavy = tmp_path_factory.mktemp("heavy") / "r3.onnx"
    model = onnx.load(ARTIFACTS / "r2.onnx")
    ballast = onnx.numpy_helper.from_array(np.zeros(4 << 20, np.float32), "ballast")
    model.graph.initializer.append(ballast)
    onnx.save(model, heavy)
    latest = served / "apps/linear/releases/r2.yaml"
    latest.write_text(re.sub(r"memory: \d+Mi", "memory: 64Mi", latest.read_text()))
    git(served, "commit", "--quiet", "--all", "--message", "apps/linear: Save memory")

    modelctl("release", "linear", "--artifact", str(heavy), "--commit")

    written = (served / "apps/linear/releases/r3.yaml").read_text()
    (found,) = re.findall(r"memory: (\d+)Mi", written)
    assert int(found) >= 192


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ([node("Foo", "x", "y")], "the file calls the operator Foo of ai.onnx 17"),
        ([node("Add", "x q", "y")], "the input 'q', which nothing gives"),
        (
            [
                node("Cast", "x", "h", to=TensorProto.BFLOAT16),
                node("Relu", "h", "r"),
                node("Cast", "r", "y", to=TensorProto.FLOAT),
            ],
            "has no CPU kernel",
        ),
    ],
    ids=["unknown operator", "missing input", "no kernel"],
)
def test_what_no_server_would_load_is_not_written(
    served: Path, modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory,
    nodes: list[NodeProto], problem: str,
) -> None:  # fmt: skip
    """A file that ONNX Runtime refuses starts neither a model nor a release."""
    file = tmp_path_factory.mktemp("outside") / "a.onnx"
    file.write_bytes(model(*nodes).SerializeToString())
    new = ("new", "other", "--artifact", str(file), "--owner", "forecasting",
           "--description", "d", "--image", IMAGE)  # fmt: skip

    assert problem in modelctl(*new, exit_code=2)
    assert problem in modelctl("release", "linear", "--artifact", str(file), exit_code=2)
    assert git(served, "status", "--porcelain") == ""
