"""What main has applied before is accepted again, whatever is wrong beside it, and only that."""

from pathlib import Path

import pytest

from engine_kit import MODEL, Repo
from modelctl.local.source.artifacts import ArtifactExport
from modelctl.local.source.reading import Reader, Reading
from modelctl.local.source.repositories import local_branch
from scratch import git

MODEL_FILE = f"apps/{MODEL}/model.yaml"


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository that serves r1 of one model, with r2 warm."""
    (tmp_path / "repo").mkdir()
    repo = Repo(tmp_path / "repo")
    repo.serve({"r1": 95, "r2": 5}).commit("apps/linear: Shift")
    return repo


def read(repo: Repo, tmp_path: Path) -> Reading:
    """What the newest revision says to an engine that starts with it."""
    source = local_branch(repo.root, None, every_s=1)
    reader = Reader(source, "local", ArtifactExport(tmp_path / "files"))
    return reader.read(source.revision())


def edit(repo: Repo, path: str, old: str, new: str) -> None:
    """Change a file by hand, without rendering."""
    text = (repo.root / path).read_text()
    assert old in text
    repo.write(path, text.replace(old, new))


def test_a_revert_onto_a_merge_that_left_errors(repo: Repo, tmp_path: Path) -> None:
    """The state that two clean pull requests merged into comes back after a bad shift."""
    release = (repo.root / f"apps/{MODEL}/releases/r2.yaml").read_text()
    repo.use_template("v1").commit("argocd: Take the template whose routes merge without conflict")
    git(repo.root, "switch", "--quiet", "--create", "latency")
    edit(repo, MODEL_FILE, "latency_p99_ms: 20", "latency_p99_ms: 20000")
    repo.render().commit("apps/linear: Allow more time")
    git(repo.root, "switch", "--quiet", "--create", "introduce", "main")
    repo.write(f"apps/{MODEL}/releases/r3.yaml", release)
    repo.serve({"r1": 95, "r2": 5, "r3": 0}).commit("apps/linear: Introduce r3")
    git(repo.root, "switch", "--quiet", "main")
    for branch in ("latency", "introduce"):
        git(repo.root, "merge", "--quiet", "--no-ff", "--no-edit", branch)
    merged = read(repo, tmp_path)
    bad = git(repo.root, "rev-parse", "HEAD").strip()
    repo.serve({"r1": 50, "r2": 50, "r3": 0}).commit("apps/linear: Shift too far")

    git(repo.root, "revert", "--no-edit", "HEAD")
    found = read(repo, tmp_path)

    assert "rendered-current" in merged.refused[MODEL]
    assert {} == found.refused
    assert bad == found.returned[MODEL].id
    assert {"linear-r1": 95, "linear-r2": 5, "linear-r3": 0} == found.models[MODEL].plan.weights()


def test_new_bytes_with_a_fault_are_refused(repo: Repo, tmp_path: Path) -> None:
    """Bytes that main never applied are held to every rule."""
    edit(repo, f"apps/{MODEL}/envs/local.yaml", "r2: 5", "r2: 6")
    repo.render().commit("apps/linear: Shift")

    found = read(repo, tmp_path)

    assert "weights-sum-100" in found.refused[MODEL]
    assert {} == found.models


def test_a_fault_that_stays_is_refused_at_every_commit(repo: Repo, tmp_path: Path) -> None:
    """A faulty state does not become a former one by the commit after it."""
    edit(repo, f"apps/{MODEL}/envs/local.yaml", "r2: 5", "r2: 6")
    repo.render().commit("apps/linear: Shift")
    repo.write("docs/x.md", "x\n")
    repo.commit("docs: Write")

    assert [MODEL] == list(read(repo, tmp_path).refused)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (MODEL_FILE, "name: ", "oops: 1\nname: "),
        (f"apps/{MODEL}/releases/r2.yaml", "artifact:", "oops: 1\nartifact:"),
        (f"apps/{MODEL}/envs/local.yaml", "stable: r1", "stable: [r1"),
    ],
)
def test_a_rollback_beside_a_fault_is_served(
    path: str, old: str, new: str, repo: Repo, tmp_path: Path
) -> None:
    """Bytes that main applied before are served while the typed files beside them are broken."""
    before = git(repo.root, "rev-parse", "HEAD").strip()
    repo.serve({"r1": 50, "r2": 50}).commit("apps/linear: Shift too far")
    edit(repo, path, old, new)
    git(repo.root, "checkout", "--quiet", before, "--", f"apps/{MODEL}/rendered/local")
    repo.commit("apps/linear: Roll back")

    found = read(repo, tmp_path)

    assert before == found.returned[MODEL].id
    assert {"linear-r1": 95, "linear-r2": 5} == found.models[MODEL].plan.weights()


def test_the_fault_of_another_environment_holds_nothing_back(repo: Repo, tmp_path: Path) -> None:
    """The unit of refusal is a model in an environment."""
    repo.write(f"apps/{MODEL}/envs/prod.yaml", "stable: r9\nweights: {r9: 100}\nscale: {}\n")
    repo.serve({"r1": 90, "r2": 10}).commit("apps/linear: Shift")

    found = read(repo, tmp_path)

    assert {} == found.refused
    assert {"linear-r1": 90, "linear-r2": 10} == found.models[MODEL].plan.weights()


def test_the_fault_of_a_release_that_is_not_deployed_holds_nothing_back(
    repo: Repo, tmp_path: Path
) -> None:
    """A broken file of a release that this environment does not deploy refuses nothing here."""
    repo.write(f"apps/{MODEL}/releases/r7.yaml", "oops: 1\n")
    repo.serve({"r1": 90, "r2": 10}).commit("apps/linear: Shift")

    assert {} == read(repo, tmp_path).refused


def test_a_danger_in_the_bytes_themselves_is_refused(repo: Repo, tmp_path: Path) -> None:
    """A credential in what is applied is no less one because it was applied before."""
    path = f"apps/{MODEL}/rendered/local/deployment-{MODEL}-r1.yaml"
    good = (repo.root / path).read_text()
    bad = good + "# https://user:secret@example.com/\n"
    for text in (bad, good, bad):
        repo.write(path, text)
        repo.commit("apps/linear: Edit by hand")

    assert "no-secret-material" in read(repo, tmp_path).refused[MODEL]


def test_a_paused_model_stays_paused_while_its_file_is_broken(repo: Repo, tmp_path: Path) -> None:
    """What cannot be read now says what it said last."""
    repo.serve({"r1": 95, "r2": 5}, paused=True).commit("apps/linear: Pause")
    source = local_branch(repo.root, None, every_s=0)
    reader = Reader(source, "local", ArtifactExport(tmp_path / "files"))
    reader.read(source.revision())
    repo.serve({"r1": 50, "r2": 50}, paused=True).commit("apps/linear: Shift")
    reader.read(source.revision())
    git(repo.root, "revert", "--no-edit", "HEAD")
    edit(repo, f"apps/{MODEL}/envs/local.yaml", "stable: r1", "stable: [r1")
    repo.commit("apps/linear: Break")

    found = reader.read(source.revision())

    assert found.models[MODEL].paused


def test_bytes_of_an_older_template_come_back(repo: Repo, tmp_path: Path) -> None:
    """What was applied by template v1 is accepted after the environment has moved to v2."""
    repo.use_template("v1").commit("argocd: Take the first template")
    rendered = f"apps/{MODEL}/rendered"
    old = git(repo.root, "rev-parse", f"HEAD:{rendered}").strip()
    moved = repo.use_template("v2").commit("argocd: Take the second template")

    git(repo.root, "rm", "-r", "--quiet", rendered)
    git(repo.root, "checkout", "--quiet", f"{moved}~1", "--", rendered)
    repo.commit("apps/linear: Roll back")
    found = read(repo, tmp_path)

    assert old == git(repo.root, "rev-parse", f"HEAD:{rendered}").strip()
    assert {} == found.refused
    assert MODEL in found.returned
    assert ["linear"] == [route.name for route in found.models[MODEL].plan.gateway.routes]
