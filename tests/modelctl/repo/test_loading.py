"""From files to a repository: typed values, places and faults, whatever the files are."""

import os
import shutil
from pathlib import Path

import pytest

from modelctl.finding import Finding
from modelctl.repo import repository as values
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import WorkTree
from scratch import PROJECT

BASE = PROJECT / "tests" / "modelctl" / "check" / "rules" / "base"
SERVING = "apps/linear/envs/prod.yaml"
HUGE_BYTES = 1 << 40  # no machine reads so much at once


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The valid base repository on disk."""
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    return tmp_path


def _load(root: Path) -> Repository:
    return load(WorkTree(root))


def _model(root: Path, folder: str = "linear") -> ModelFiles:
    return _load(root).model(folder)


def _typed(repository: Repository) -> list[str]:
    """The models of a repository that have a valid model file."""
    models = (repository.model(folder).model for folder in repository.folders)
    return [model.name for model in models if model is not None]


def _all_faults(root: Path) -> list[Finding]:
    """Every fault: of what models share, and of each model."""
    repository = _load(root)
    models = [repository.model(folder) for folder in repository.folders]
    return [*repository.faults, *(fault for files in models for fault in files.faults)]


def _faults(root: Path) -> list[tuple[str, str]]:
    return [(fault.path, fault.rule) for fault in _all_faults(root)]


def _only(root: Path) -> Finding:
    (fault,) = _all_faults(root)
    return fault


def test_every_kind_has_its_values(root: Path) -> None:
    """Models, releases, serving files and environments are typed, by folder and name."""
    repository = _load(root)
    linear = repository.model("linear")

    assert ["digits", "linear"] == _typed(repository)
    assert [("digits", "r1"), ("digits", "r2"), ("linear", "r1"), ("linear", "r2")] == [
        (release.folder, release.id)
        for folder in repository.folders
        for release in repository.model(folder).releases.values()
    ]
    assert {"r1": 95, "r2": 5} == linear.servings["prod"].weights
    assert ["local", "prod"] == [e.name for e in repository.environments.ordered]
    assert repository.environments is linear.environments
    assert [] == _faults(root)


def test_what_rules_look_up(root: Path) -> None:
    """Folders, the environments of a model in order, and its releases from the oldest."""
    (root / "apps/linear/releases/r2.yaml").rename(root / "apps/linear/releases/r10.yaml")
    repository = _load(root)
    linear = repository.model("linear")

    assert ("digits", "linear") == repository.folders
    assert ["local", "prod"] == [e.name for e, _ in linear.served]
    assert [linear.servings[e.name] for e, _ in linear.served] == [s for _, s in linear.served]
    assert ["r1", "r10"] == list(linear.releases)


def test_environments_come_in_the_order_of_promotion(root: Path) -> None:
    """What a model serves is in the order of environments.yaml, what is unknown there last."""
    path = root / "argocd/environments.yaml"
    text = path.read_text()
    path.write_text(text.replace("name: local", "name: test").replace("name: prod", "name: live"))
    prod = (root / SERVING).read_text()
    for name in ("live", "test", "another"):
        (root / f"apps/linear/envs/{name}.yaml").write_text(prod)
    linear = _model(root)

    assert ["test", "live"] == [e.name for e, _ in linear.served]
    assert ["test", "live", "another", "local", "prod"] == list(linear.servings)


def test_artifacts_are_read_where_an_environment_reads_them(root: Path) -> None:
    """A file that a mirror puts into the repository has its facts; one elsewhere has none."""
    linear = _model(root)
    local = linear.releases["r1"].artifact
    (facts,) = linear.artifacts_of(local.uri)

    assert "artifacts/linear/r1.onnx" == facts.path
    assert local.sha256 == facts.sha256
    assert [] == list(_model(root, "digits").artifacts_of("s3://models/digits/r1.onnx"))


def test_an_artifact_behind_a_link_is_not_read(root: Path) -> None:
    """An artifact that is a link out of the repository has no facts."""
    artifact = root / "artifacts/linear/r1.onnx"
    artifact.rename(root / "real.onnx")
    artifact.symlink_to(root / "real.onnx")
    linear = _model(root)

    assert [] == list(linear.artifacts_of("https://models.example.com/linear/r1.onnx"))


def test_a_large_artifact_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound an artifact has its size and a problem, and no digest."""
    monkeypatch.setattr(values, "MAX_GRAPH_BYTES", 230)
    (facts,) = _model(root).artifacts_of("https://models.example.com/linear/r2.onnx")

    assert ("", 232, None) == (facts.sha256, facts.size_bytes, facts.graph)
    assert facts.problem.startswith("has 232 bytes")


def test_texts_are_what_people_wrote(root: Path) -> None:
    """Every text file is there as it is, but what is generated and what is binary."""
    rendered = root / "apps/linear/rendered/prod/service-linear-r1.yaml"
    rendered.parent.mkdir(parents=True)
    rendered.write_text("kind: Service\n")
    (root / "apps/linear/notes.md").write_bytes(b"caf\xe9\n")
    (root / "apps/linear/plot.png").write_bytes(b"\x89PNG\0")
    (root / "argocd/note.md").write_text("shared\n")
    repository = _load(root)
    linear = repository.model("linear")

    assert "caf\ufffd\n" == linear.texts["apps/linear/notes.md"]
    assert "apps/linear/plot.png" not in linear.texts
    assert "apps/linear/rendered/prod/service-linear-r1.yaml" not in linear.texts
    assert {"apps/linear/rendered/prod/service-linear-r1.yaml": b"kind: Service\n"} == dict(
        linear.generated
    )
    assert "shared\n" == repository.texts["argocd/note.md"]


def test_a_faulty_file_has_places_but_no_value(root: Path) -> None:
    """A file that breaks its schema can be pointed into and is not used."""
    (root / SERVING).write_text((root / SERVING).read_text().replace("min: 2", "min: -2"))
    linear = _model(root)

    assert "prod" not in linear.servings
    assert SERVING in linear.documents
    assert [(SERVING, "schema-valid")] == _faults(root)


def test_one_cause_is_one_fault(root: Path) -> None:
    """A value that is ambiguous is not told a second time for its type."""
    (root / SERVING).write_text((root / SERVING).read_text() + "paused: no\n")

    assert [(SERVING, "yaml-strict")] == _faults(root)


def test_without_environments(root: Path) -> None:
    """A repository without environments.yaml has that fault and still its models."""
    (root / "argocd/environments.yaml").unlink()

    assert [("argocd/environments.yaml", "schema-valid")] == _faults(root)
    assert ["digits", "linear"] == _typed(_load(root))


def test_an_empty_repository(tmp_path: Path) -> None:
    """Without any file there is one fault: no environments."""
    assert [("argocd/environments.yaml", "schema-valid")] == _faults(tmp_path)


@pytest.mark.parametrize("path", ["argocd/environments.yaml", SERVING, "apps/linear/model.yaml"])
def test_a_link_is_a_fault(root: Path, path: str) -> None:
    """A link in place of a file is told, and what it leads to is not read."""
    (root / path).rename(root / "elsewhere.yaml")
    (root / path).symlink_to(root / "elsewhere.yaml")
    fault = _only(root)

    assert (path, "yaml-strict") == (fault.path, fault.rule)
    assert "found a symbolic link, expected a regular file" == fault.message


def test_a_loop_of_links_is_a_fault(root: Path) -> None:
    """A link that leads to itself, or to its own folder, ends nowhere."""
    (root / SERVING).unlink()
    (root / SERVING).symlink_to("prod.yaml")
    (root / "apps/linear/again").symlink_to("..")

    assert [("apps/linear/again", "yaml-strict"), (SERVING, "yaml-strict")] == _faults(root)


def test_a_pipe_is_a_fault(root: Path) -> None:
    """A pipe in place of a file is told at once; nobody waits for its other end."""
    (root / SERVING).unlink()
    os.mkfifo(root / SERVING)

    assert "found a special file, expected a regular file" == _only(root).message


def test_a_folder_named_like_a_model_file(root: Path) -> None:
    """A folder called model.yaml is no model, and no error either."""
    (root / "apps/odd/model.yaml").mkdir(parents=True)
    (root / "apps/odd/model.yaml/x.txt").write_text("x")

    assert ["digits", "linear"] == _typed(_load(root))


@pytest.mark.parametrize(
    "path", [SERVING, "apps/linear/rendered/prod/x.yaml", "argocd/applications/prod/x.yaml"]
)
def test_a_huge_file_is_told_by_its_size(root: Path, path: str) -> None:
    """A file of a terabyte, typed or generated, is refused without being read."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    with (root / path).open("wb") as file:
        file.truncate(HUGE_BYTES)
    fault = _only(root)

    assert f"found {HUGE_BYTES} bytes, expected at most 1048576" == fault.message
    assert path not in _model(root).generated


def test_names_that_are_no_text(root: Path) -> None:
    """A file name that is not UTF-8 is a path like any other."""
    odd = os.fsencode(root / "apps/linear/releases") + b"/r\xff.yaml"
    Path(os.fsdecode(odd)).write_text("a: 1\n")

    assert "apps/linear/releases/r\udcff.yaml" in _model(root).entries
