"""Reading a revision: accepted with plans, or refused with a reason."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from engine_kit import MODEL, Repo
from modelctl.finding import START, Finding, Level
from modelctl.local.source.artifacts import ArtifactExport
from modelctl.local.source.reading import CheckFiles, Reader, Reading, check_files
from modelctl.local.source.repositories import local_branch
from modelctl.repo.tree import Tree
from scratch import git

Read = Callable[[], Reading]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository that serves r1 of one model."""
    (tmp_path / "repo").mkdir()
    return Repo(tmp_path / "repo")


def reader(repo: Repo, tmp_path: Path, check: CheckFiles = check_files, env: str = "local") -> Read:
    """Reads the newest revision of a repository, again and again with one reader."""
    source = local_branch(repo.root, None, every_s=1)
    found = Reader(source, env, ArtifactExport(tmp_path / "files"), check)
    return lambda: found.read(source.revision())


def test_accepted(repo: Repo, tmp_path: Path) -> None:
    """A good revision gives a plan a model, its last commit, and no refusal."""
    git(repo.root, "commit", "--quiet", "--allow-empty", "--message", "docs: Nothing")

    found = reader(repo, tmp_path)()

    assert found.refusal is None
    assert [MODEL] == list(found.models)
    assert {"linear-r1": 100} == found.models[MODEL].plan.weights()
    assert "docs: Nothing" == found.commit.subject
    assert "root: Begin" == found.models[MODEL].commit.subject


def test_dirty_files_do_not_count(repo: Repo, tmp_path: Path) -> None:
    """What is not committed is not read."""
    repo.serve({"r1": 50, "r2": 50})

    assert {"linear-r1": 100} == reader(repo, tmp_path)().models[MODEL].plan.weights()


def test_refused_by_the_check(repo: Repo, tmp_path: Path) -> None:
    """A model with an error is refused by its first finding, and has no plan."""
    repo.serve({"r1": 100, "r2": 5}).commit("apps/linear: Shift")

    found = reader(repo, tmp_path)()

    assert found.refusal is None
    assert "weights-sum-100" in found.refused[MODEL]
    assert {} == found.models
    assert MODEL in found.identities


def test_a_fault_refuses_only_its_own_model(repo: Repo, tmp_path: Path) -> None:
    """A model is read as ever while another, which is not served here, has an error."""
    faults = [
        Finding(path, START, "rule", "found", "fix")
        for path in ("apps/other/model.yaml", "argocd/applications/prod/third.yaml")
    ]

    found = reader(repo, tmp_path, lambda _: faults)()

    assert [MODEL] == list(found.models)
    assert {} == found.refused
    assert faults == list(found.findings)


def test_a_common_fault_refuses_everything(repo: Repo, tmp_path: Path) -> None:
    """An error in the list of environments refuses every model that has new bytes."""
    faults = [
        Finding("argocd/environments.yaml", START, "rule", "found", remedy) for remedy in "ab"
    ]

    found = reader(repo, tmp_path, lambda _: faults)()

    assert f"{faults[0]} and 1 more" == found.refused[MODEL]
    assert {} == found.models


def test_what_argo_cd_is_given_refuses_nothing(repo: Repo, tmp_path: Path) -> None:
    """A fault in a file that only a cluster reads holds back no model here."""
    fault = Finding("argocd/bootstrap/prod.yaml", START, "rule", "found", "fix")

    found = reader(repo, tmp_path, lambda _: [fault])()

    assert [MODEL] == list(found.models)
    assert {} == found.refused


def test_warnings_do_not_refuse(repo: Repo, tmp_path: Path) -> None:
    """A revision with warnings alone is accepted, and has them."""
    warning = Finding("a", START, "rule", "found", "fix", Level.WARNING)

    found = reader(repo, tmp_path, lambda _: [warning])()

    assert (None, (warning,)) == (found.refusal, found.findings)


def test_fault_of_the_check(repo: Repo, tmp_path: Path) -> None:
    """A check that fails itself refuses the revision rather than ending the service."""

    def fails(_: Tree) -> Sequence[Finding]:
        raise ZeroDivisionError

    found = reader(repo, tmp_path, fails)()

    assert "the check itself failed: ZeroDivisionError()" == found.refusal


def test_what_cannot_run_is_refused(repo: Repo, tmp_path: Path) -> None:
    """Objects that the engine cannot run are refused with file and place, check or not."""
    path = f"apps/{MODEL}/rendered/local/httproute-{MODEL}.yaml"
    text = (repo.root / path).read_text().replace("type: PathPrefix", "type: RegularExpression")
    repo.write(path, text)
    repo.commit("apps/linear: Edit by hand")

    found = reader(repo, tmp_path, lambda _: [])()

    assert found.refused[MODEL].startswith(f"{path}: spec.rules[0].matches[0].path.type must be")


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("prod", "environment prod: found engine: argocd, expected one with engine: local"),
        ("test", "environment test: found no such environment"),
    ],
)
def test_environment_of_another_engine(repo: Repo, tmp_path: Path, env: str, message: str) -> None:
    """An environment that this machine is not meant to run is refused, with the ones that are."""
    found = reader(repo, tmp_path, env=env)()

    assert found.refusal is not None
    assert message in found.refusal
    assert "(local); choose it with --env" in found.refusal


def test_paused(repo: Repo, tmp_path: Path) -> None:
    """`paused: true` in the environment's file is read."""
    read = reader(repo, tmp_path)
    before = read().models[MODEL].paused
    repo.serve({"r1": 100}, paused=True).commit("apps/linear: Pause")

    assert (False, True) == (before, read().models[MODEL].paused)


def test_removed_model(repo: Repo, tmp_path: Path) -> None:
    """A model without rendered objects in the environment is not in the reading."""
    git(repo.root, "rm", "-r", "--quiet", f"apps/{MODEL}")
    repo.write("apps/README.md", "A file beside the models.\n")
    repo.commit("apps/linear: Remove")

    assert {} == reader(repo, tmp_path, lambda _: [])().models


def test_rewritten_history(repo: Repo, tmp_path: Path) -> None:
    """A revision that does not follow from the one before says so, and only once."""
    read = reader(repo, tmp_path)
    repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
    first = read()
    git(repo.root, "commit", "--quiet", "--amend", "--message", "apps/linear: Other words")
    second = read()
    repo.serve({"r1": 90, "r2": 10}).commit("apps/linear: Shift")

    assert [False, True, False] == [first.rewritten, second.rewritten, read().rewritten]


def test_artifacts_are_exported(repo: Repo, tmp_path: Path) -> None:
    """The files that a release names are where its server will read them."""
    (workload,) = reader(repo, tmp_path)().models[MODEL].plan.workloads
    exported = Path(workload.template.files) / f"examples/artifacts/{MODEL}/r1.onnx"

    assert () == workload.template.missing
    assert (repo.root / f"examples/artifacts/{MODEL}/r1.onnx").read_bytes() == exported.read_bytes()


def test_new_bytes_at_the_same_path(repo: Repo, tmp_path: Path) -> None:
    """Other bytes at a path are exported beside the first, which stay as they were."""
    read = reader(repo, tmp_path, lambda _: [])
    artifact = repo.root / f"examples/artifacts/{MODEL}/r1.onnx"
    good = artifact.read_bytes()
    artifact.write_bytes(b"damaged")
    repo.commit("examples: Damage")
    bad_folder = Path(read().models[MODEL].plan.workloads[0].template.files)
    artifact.write_bytes(good)
    repo.commit("examples: Repair")
    good_folder = Path(read().models[MODEL].plan.workloads[0].template.files)

    path = f"examples/artifacts/{MODEL}/r1.onnx"
    assert [b"damaged", good] == [(f / path).read_bytes() for f in (bad_folder, good_folder)]


def test_missing_artifact(repo: Repo, tmp_path: Path) -> None:
    """An artifact that the commit does not have is named in the plan."""
    git(repo.root, "rm", "--quiet", f"examples/artifacts/{MODEL}/r1.onnx")
    repo.commit("examples: Lose r1")

    (workload,) = reader(repo, tmp_path, lambda _: [])().models[MODEL].plan.workloads

    assert (f"examples/artifacts/{MODEL}/r1.onnx",) == workload.template.missing


def test_symbolic_link_is_no_artifact(repo: Repo, tmp_path: Path) -> None:
    """A symbolic link in place of an artifact is not followed."""
    artifact = repo.root / f"examples/artifacts/{MODEL}/r1.onnx"
    artifact.unlink()
    artifact.symlink_to("/etc/hostname")
    repo.commit("examples: Link")

    (workload,) = reader(repo, tmp_path, lambda _: [])().models[MODEL].plan.workloads

    assert (f"examples/artifacts/{MODEL}/r1.onnx",) == workload.template.missing


def test_unchanged_model_is_not_read_again(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that does not touch a model costs no parsing of its objects."""
    read = reader(repo, tmp_path, lambda _: [])
    before = read().models[MODEL]
    repo.write("argocd/note.yaml", "a: 1\n")
    repo.commit("argocd: Note")
    monkeypatch.setattr("modelctl.local.source.reading.planned", None)

    assert before == read().models[MODEL]


def test_what_the_gateway_is_told_is_read(repo: Repo, tmp_path: Path) -> None:
    """Routes and policies that are rendered for all models come with the revision."""
    repo.use_template("v2").commit("argocd: Take the second template")

    platform = reader(repo, tmp_path)().platform

    assert platform is not None
    assert {"protocol-server", "unknown-path"} == {route.name for route in platform.routes}


def test_the_first_template_tells_the_gateway_nothing(repo: Repo, tmp_path: Path) -> None:
    """An environment that pins template v1 has nothing for all models."""
    repo.use_template("v1").commit("argocd: Take the first template")

    assert reader(repo, tmp_path)().platform is None


def test_a_broken_file_for_the_gateway_refuses_the_revision(repo: Repo, tmp_path: Path) -> None:
    """A policy that is not known here is not run in part."""
    repo.use_template("v2").write(
        "argocd/platform/local/gateway/clienttrafficpolicy-models.yaml",
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: ClientTrafficPolicy\n"
        "metadata: {name: models}\nspec: {http3: {}}\n",
    )
    repo.commit("argocd: Break")

    refusal = reader(repo, tmp_path)().refusal

    assert refusal is not None
    assert "clienttrafficpolicy-models.yaml" in refusal


def test_no_question_costs_a_process_for_each_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many git processes read six models as two: at first, after a commit, and with faults."""
    counts = [processes(tmp_path / str(models), models, monkeypatch) for models in (2, 6)]

    assert counts[0] == counts[1]


def processes(folder: Path, models: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many git processes three readings of so many models start."""
    folder.mkdir()
    repo = Repo(folder)
    for number in range(1, models):
        for top in ("apps", "examples/artifacts"):
            shutil.copytree(folder / top / MODEL, folder / top / f"m{number}")
        for path in (folder / f"apps/m{number}").rglob("*.yaml"):
            path.write_text(path.read_text().replace(MODEL, f"m{number}"))
    repo.commit("apps: Begin")
    started: list[str] = []
    faults: list[Finding] = []
    begin = subprocess.Popen.__init__

    def counted(self: subprocess.Popen[bytes], *words: object, **options: object) -> None:
        started.append(str(words))
        begin(self, *words, **options)  # type: ignore[arg-type]

    read = reader(repo, folder.parent / f"state{models}", lambda _: faults)
    counts = []
    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", counted)
        for subject in ("docs: First", "docs: Second", "docs: Third"):
            if subject.endswith("Third"):
                faults += [Finding("argocd/environments.yaml", START, "rule", "found", "fix")]
                repo.write("argocd/environments.yaml", read_text(repo) + "\n")
            repo.commit(subject)
            started.clear()
            found = read()
            counts.append(len(started))
            assert models == len({*found.models, *found.refused})
    return counts


def read_text(repo: Repo) -> str:
    """The list of environments."""
    return (repo.root / "argocd/environments.yaml").read_text()
