"""What is generated beside what should be, and the typed line behind a difference."""

import shutil
from pathlib import Path

import pytest

from modelctl.check.rules.rendered import rendered_current
from modelctl.render import drift, generated
from modelctl.render.origin import typed_source
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import WorkTree
from scratch import PROJECT

BASE = PROJECT / "tests" / "modelctl" / "check" / "rules" / "base"
FOLDER = "apps/linear/rendered/prod"
ROUTE = f"{FOLDER}/httproute-linear.yaml"
DEPLOYMENT = f"{FOLDER}/deployment-linear-r2.yaml"
AUTOSCALER = f"{FOLDER}/horizontalpodautoscaler-linear-r1.yaml"
APPLICATION = "argocd/applications/prod/linear.yaml"
SERVING = "apps/linear/envs/prod.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The base repository on disk, rendered."""
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    for path, text in generated(load(WorkTree(tmp_path))).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def _load(root: Path) -> Repository:
    return load(WorkTree(root))


def _edit(root: Path, path: str, old: str, new: str) -> int:
    """Replace text in a file; the line that it stands on."""
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def test_nothing_drifts_after_rendering(root: Path) -> None:
    """What was just rendered is neither stale nor orphaned nor missing."""
    repository = _load(root)

    assert [] == drift.stale(repository)
    assert [] == drift.orphans(repository)
    assert frozenset() == drift.never_rendered(repository)


def test_a_removed_model_leaves_orphans(root: Path) -> None:
    """Without its folder, everything that was rendered of a model is an orphan."""
    rendered = [path for path in _load(root).generated if "linear" in path]
    shutil.rmtree(root / "apps/linear/envs")

    assert rendered == drift.orphans(_load(root))


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (SERVING, "stable: r1", "stable: [r1"),
        (SERVING, "r2: 5", "r3: 5"),
        ("apps/linear/model.yaml", "owner: forecasting", "owner: 5"),
        ("apps/linear/releases/r2.yaml", "ir_version: 8", "ir_version: 0"),
        ("argocd/environments.yaml", "engine: argocd", "engine: flux"),
    ],
)
def test_a_fault_leaves_what_was_rendered_alone(root: Path, path: str, old: str, new: str) -> None:
    """A typed file that gives nothing for now does not make orphans of what it gave before."""
    _edit(root, path, old, new)
    repository = _load(root)

    assert [] == drift.orphans(repository)
    assert not any(FOLDER in stale for stale in drift.stale(repository))


def test_what_was_never_rendered_is_not_stale_too(root: Path) -> None:
    """A model without any rendered file is told once, not file by file."""
    shutil.rmtree(root / FOLDER)
    (root / APPLICATION).unlink()
    repository = _load(root)

    assert {("linear", "prod")} == drift.never_rendered(repository)
    assert [] == drift.stale(repository)


def test_pairs_of_paths() -> None:
    """A generated file belongs to the model and environment that its path names."""
    assert ("linear", "prod") == drift.pair_of(ROUTE)
    assert ("linear", "prod") == drift.pair_of(APPLICATION)
    assert drift.pair_of("apps/linear/rendered/notes.txt") is None


@pytest.mark.parametrize(
    ("path", "old", "new", "source"),
    [
        (ROUTE, "weight: 5\n", "weight: 50\n", f"{SERVING}:4"),
        (ROUTE, "weight: 95\n", "weight: 94\n", f"{SERVING}:3"),
        (AUTOSCALER, "maxReplicas: 8", "maxReplicas: 9", f"{SERVING}:5"),
        (AUTOSCALER, "minReplicas: 2", "minReplicas: 1", f"{SERVING}:5"),
        (DEPLOYMENT, "modelserver@sha256:ab", "modelserver@sha256:cd", "releases/r2.yaml:12"),
        (DEPLOYMENT, "linear/r2.onnx", "linear/r3.onnx", "apps/linear/releases/r2.yaml:2"),
        (DEPLOYMENT, "kind: Deployment", "kind: Pod", SERVING),
        (APPLICATION, "Revision: refs/heads/main", "Revision: dev", "argocd/environments.yaml:2"),
    ],
)
def test_a_difference_names_the_typed_line(
    root: Path, path: str, old: str, new: str, source: str
) -> None:
    """A finding on a generated line says which typed line gives it, where its value tells."""
    line = _edit(root, path, old, new)
    (finding,) = rendered_current.check(_load(root))

    assert (path, line) == (finding.path, finding.position.line)
    assert f"{source} gives" in finding.message


def test_many_differences_are_counted(root: Path) -> None:
    """Of a model that was not rendered at all after an edit, a few files are shown and counted."""
    _edit(root, "apps/linear/model.yaml", "owner: forecasting", "owner: vision")
    linear = [f for f in rendered_current.check(_load(root)) if f"/{FOLDER}/" in f"/{f.path}"]
    stale = [path for path in drift.stale(_load(root)) if drift.pair_of(path) == ("linear", "prod")]

    assert 3 == len(linear)
    assert linear[-1].message.endswith(f", and {len(stale) - 3} more files of this model")


def test_a_file_without_a_model_has_no_source(root: Path) -> None:
    """Of a path that belongs to no model nothing more is known."""
    assert "its typed file" == typed_source(_load(root), "apps/linear/rendered/x", "a: 1")


def test_the_end_of_a_file_is_compared_too(root: Path) -> None:
    """A line too many, and a line break too few, are differences."""
    text = (root / ROUTE).read_text()
    (root / ROUTE).write_text(text + "# mine\n")
    (more,) = rendered_current.check(_load(root))
    (root / ROUTE).write_text(text.rstrip("\n"))
    (fewer,) = rendered_current.check(_load(root))

    assert text.count("\n") + 1 == more.position.line
    assert "found # mine, expected the end of the file" in more.message
    assert text.count("\n") == fewer.position.line
    assert "without a line break, expected" in fewer.message
