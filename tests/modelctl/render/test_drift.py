"""What is generated beside what should be, and the typed line behind a difference."""

import shutil
from pathlib import Path

import pytest

from modelctl.check.rules.rendered import rendered_current
from modelctl.render import drift, generated
from modelctl.render.origin import typed_source
from modelctl.repo.layout import place
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles
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
    for folder in load(WorkTree(tmp_path)).folders:
        for path, text in generated(_model(tmp_path, folder)).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    return tmp_path


def _model(root: Path, folder: str = "linear") -> ModelFiles:
    return load(WorkTree(root)).model(folder)


def _edit(root: Path, path: str, old: str, new: str) -> int:
    """Replace text in a file; the line that it stands on."""
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize("folder", ["digits", "linear"])
def test_nothing_drifts_after_rendering(root: Path, folder: str) -> None:
    """What was just rendered is neither stale nor orphaned nor missing."""
    files = _model(root, folder)

    assert files.generated
    assert [] == drift.stale(files)
    assert [] == drift.orphans(files)
    assert frozenset() == drift.never_rendered(files)
    assert {} == drift.render_changes(files)


def test_a_model_that_is_not_served_leaves_orphans(root: Path) -> None:
    """Without its serving files, everything that was rendered of a model is an orphan."""
    rendered = sorted(_model(root).generated)
    shutil.rmtree(root / "apps/linear/envs")

    assert APPLICATION in rendered
    assert rendered == drift.orphans(_model(root))
    assert [] == drift.orphans(_model(root, "digits"))


def test_a_removed_model_leaves_orphans(root: Path) -> None:
    """Without its folder, what is left of a model elsewhere is an orphan."""
    shutil.rmtree(root / "apps/linear")

    assert [APPLICATION] == drift.orphans(_model(root))


@pytest.mark.parametrize("path", [SERVING, "apps/linear/envs", "apps/linear", "apps"])
def test_what_stands_in_the_way_leaves_what_was_rendered_alone(root: Path, path: str) -> None:
    """Where a link hides whether a model is served, its Application is no orphan."""
    (root / path).rename(root / "elsewhere")
    (root / path).symlink_to(root / "elsewhere")
    files = _model(root)

    assert APPLICATION in files.generated
    assert [] == drift.orphans(files)


def test_a_stray_file_is_an_orphan(root: Path) -> None:
    """What lies among rendered files and is none is an orphan, whatever its name."""
    strays = [f"{FOLDER}/notes.txt", "apps/linear/rendered/notes.txt"]
    for path in strays:
        (root / path).write_text("a: 1\n")

    assert sorted(strays) == drift.orphans(_model(root))


def test_rendering_writes_what_differs_and_removes_orphans(root: Path) -> None:
    """Exactly the files that are missing, differ or are not wanted any more are changed."""
    wanted = dict(_model(root).generated)
    (root / ROUTE).unlink()
    _edit(root, AUTOSCALER, "maxReplicas: 8", "maxReplicas: 9")
    (root / f"{FOLDER}/service-linear-r9.yaml").write_text("kind: Service\n")

    assert {
        ROUTE: wanted[ROUTE],
        AUTOSCALER: wanted[AUTOSCALER],
        f"{FOLDER}/service-linear-r9.yaml": None,
    } == drift.render_changes(_model(root))


def test_rendering_writes_what_never_was_rendered(root: Path) -> None:
    """A model without any rendered file is rendered whole."""
    wanted = {path: b for path, b in _model(root).generated.items() if path.startswith(FOLDER)}
    shutil.rmtree(root / FOLDER)

    assert wanted == drift.render_changes(_model(root))


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
    files = _model(root)

    assert [] == drift.orphans(files)
    assert not any(FOLDER in stale for stale in drift.stale(files))
    assert not any(FOLDER in changed for changed in drift.render_changes(files))


def test_what_was_never_rendered_is_not_stale_too(root: Path) -> None:
    """A model without any rendered file is told once, not file by file."""
    shutil.rmtree(root / FOLDER)
    (root / APPLICATION).unlink()
    files = _model(root)

    assert {("linear", "prod")} == drift.never_rendered(files)
    assert [] == drift.stale(files)


def test_pairs_are_what_is_rendered(root: Path) -> None:
    """A model is expected in each environment that serves it, and in no other."""
    assert {("linear", "local"), ("linear", "prod")} == drift.expected_pairs(_model(root))
    assert {("digits", "prod")} == drift.expected_pairs(_model(root, "digits"))


@pytest.mark.parametrize(
    ("path", "old", "new", "source"),
    [
        (ROUTE, "weight: 5\n", "weight: 50\n", f"{SERVING}:4"),
        (ROUTE, "weight: 95\n", "weight: 94\n", f"{SERVING}:3"),
        (AUTOSCALER, "maxReplicas: 8", "maxReplicas: 9", f"{SERVING}:5"),
        (AUTOSCALER, "minReplicas: 2", "minReplicas: 1", f"{SERVING}:5"),
        (
            DEPLOYMENT,
            "modelserver@sha256:ab",
            "modelserver@sha256:cd",
            "apps/linear/releases/r2.yaml:12",
        ),
        (DEPLOYMENT, "linear/r2.onnx", "linear/r3.onnx", "apps/linear/releases/r2.yaml:2"),
        (DEPLOYMENT, "kind: Deployment", "kind: Pod", "template v2 of prod"),
        (DEPLOYMENT, "HistoryLimit: 2", "HistoryLimit: 3", "template v2 of prod"),
        (DEPLOYMENT, "maxSurge: 1", "maxSurge: 2", "template v2 of prod"),
        (DEPLOYMENT, "storage: 193Mi", "storage: 194Mi", "apps/linear/releases/r2.yaml"),
        (DEPLOYMENT, "name: linear-r2", "name: linear-r3", "apps/linear/model.yaml"),
        (DEPLOYMENT, "models-forecasting", "models-vision", "apps/linear/model.yaml:2"),
        (DEPLOYMENT, "version: r2", "version: r3", SERVING),
        (DEPLOYMENT, "PeriodSeconds: 45", "PeriodSeconds: 50", "template v2 of prod"),
        (APPLICATION, "Revision: refs/heads/main", "Revision: dev", "argocd/environments.yaml:2"),
    ],
)
def test_a_difference_names_the_typed_line(
    root: Path, path: str, old: str, new: str, source: str
) -> None:
    """A finding on a generated line says which typed line gives it, where its value tells."""
    line = _edit(root, path, old, new)
    (finding,) = rendered_current.check(_model(root))

    assert (path, line) == (finding.path, finding.position.line)
    assert finding.message.endswith(f" as {source} gives")


def test_many_differences_are_counted(root: Path) -> None:
    """Of a model that was not rendered at all after an edit, a few files are shown and counted."""
    _edit(root, "apps/linear/model.yaml", "owner: forecasting", "owner: vision")
    files = _model(root)
    linear = [f for f in rendered_current.check(files) if f"/{FOLDER}/" in f"/{f.path}"]
    stale = [path for path in drift.stale(files) if place(path).pair == ("linear", "prod")]

    assert 3 == len(linear)
    assert linear[-1].message.endswith(f", and {len(stale) - 3} more files of this model")


def test_a_file_without_a_model_has_no_source(root: Path) -> None:
    """Of a path that belongs to no model nothing more is known."""
    assert "its typed file" == typed_source(_model(root), "apps/linear/rendered/x", 0)


def test_the_end_of_a_file_is_compared_too(root: Path) -> None:
    """A line too many, and a line break too few, are differences."""
    text = (root / ROUTE).read_text()
    (root / ROUTE).write_text(text + "# mine\n")
    (more,) = rendered_current.check(_model(root))
    (root / ROUTE).write_text(text.rstrip("\n"))
    (fewer,) = rendered_current.check(_model(root))

    assert text.count("\n") + 1 == more.position.line
    assert "found # mine, expected the end of the file" in more.message
    assert text.count("\n") == fewer.position.line
    assert "without a line break, expected" in fewer.message


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
def test_line_ends_are_a_difference_of_their_own(root: Path, newline: bytes) -> None:
    """A checkout that turned line ends is told as that, with the setting that did it."""
    content = (root / ROUTE).read_bytes()
    (root / ROUTE).write_bytes(content.replace(b"\n", newline))
    (finding,) = rendered_current.check(_model(root))

    assert (ROUTE, 1) == (finding.path, finding.position.line)
    assert content.index(b"\n") + 1 == finding.position.column
    assert finding.message == "found carriage returns where lines end, expected line feeds alone"
    assert "core.autocrlf" in finding.remedy


def test_an_invisible_difference_is_made_visible(root: Path) -> None:
    """Two lines that look the same are not shown the same."""
    _edit(root, ROUTE, "weight: 95\n", "weight: 95 \n")
    (finding,) = rendered_current.check(_model(root))

    assert f"found weight: 95\\x20, expected weight: 95 as {SERVING}:3 gives" == finding.message
