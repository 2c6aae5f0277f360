"""The repository as a value: what models share, and what belongs to each of them."""

import shutil
from pathlib import Path

import pytest

from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import WorkTree
from scratch import PROJECT, init

BASE = PROJECT / "tests" / "modelctl" / "check" / "rules" / "base"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The valid base repository on disk."""
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    return tmp_path


def _load(root: Path) -> Repository:
    return load(WorkTree(root))


def _model(root: Path, folder: str = "linear") -> ModelFiles:
    return _load(root).model(folder)


def test_each_file_belongs_to_one_model_or_to_all(root: Path) -> None:
    """What models share holds no file of a model, and a model no file of another."""
    for path in ("argocd/applications/prod/linear.yaml", "apps/README.md", "apps/linear/notes.md"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("a: 1\n")
    repository = _load(root)
    shared = {path for path in repository.entries if path.startswith("argocd/")}
    linear = repository.model("linear")

    assert {"apps/README.md", *shared} == repository.entries.keys()
    assert "argocd/environments.yaml" in shared
    assert {"argocd/applications/prod/linear.yaml"} == repository.applications["linear"].keys()
    assert ["argocd/applications/prod/linear.yaml"] == [
        path for path in linear.entries if not path.startswith("apps/linear/")
    ]
    assert {"linear", "digits"} == {*repository.folders}
    assert {*repository.tree.entries} == {
        *repository.entries,
        *linear.entries,
        *repository.model("digits").entries,
    }


def test_a_model_is_found_by_what_is_left_of_it(root: Path) -> None:
    """A model of which only an Application is left is one, without any value."""
    path = "argocd/applications/prod/gone.yaml"
    (root / path).parent.mkdir(parents=True)
    (root / path).write_text("kind: Application\n")
    gone = _model(root, "gone")

    assert ("digits", "gone", "linear") == _load(root).folders
    assert (None, {}, {}) == (gone.model, gone.releases, gone.servings)
    assert {path: b"kind: Application\n"} == gone.generated


def test_a_model_that_is_not_there_has_no_files(root: Path) -> None:
    """Any folder may be asked for; one without files has nothing and no fault."""
    none = _model(root, "none")

    assert (None, {}, {}, ()) == (none.model, none.entries, none.contents, none.faults)
    assert [] == list(none.served)


def test_a_model_is_told_from_one_that_begins_alike(root: Path) -> None:
    """The files of `linear` are not those of `lin`."""
    (root / "apps/lin").mkdir()
    shutil.copyfile(root / "apps/digits/model.yaml", root / "apps/lin/model.yaml")

    assert ["apps/lin/model.yaml"] == list(_model(root, "lin").entries)
    assert not any(path.startswith("apps/lin/") for path in _model(root).entries)


def test_an_empty_folder_is_no_model(root: Path) -> None:
    """A folder without a file, as an editor leaves it behind, is nothing to git and to us."""
    (root / "apps/ghost/releases").mkdir(parents=True)

    assert ("digits", "linear") == _load(root).folders


def test_a_commit_is_loaded_like_the_work_tree(root: Path) -> None:
    """The same files give the same values, wherever they are read from."""
    init(root)

    def told(repository: Repository) -> tuple[object, ...]:
        models = [repository.model(folder) for folder in repository.folders]
        return (
            repository.folders,
            repository.environments,
            repository.contents,
            [(m.model, m.releases, m.servings, m.artifacts, m.contents) for m in models],
        )

    assert told(load(CommitTree(root, "HEAD"))) == told(_load(root))
