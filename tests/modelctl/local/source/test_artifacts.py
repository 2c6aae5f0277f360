"""Exported artifacts: kept for a way back, repaired where they are damaged, bounded."""

import errno
import os
from pathlib import Path

import pytest

from modelctl.local.plan.values import ModelPlan, PodTemplate, Workload
from modelctl.local.source import artifacts
from modelctl.local.source.artifacts import ArtifactExport, unwritable
from modelctl.repo.tree import WorkTree
from scratch import git

FILE = "examples/m.onnx"


def plan(digest: str = "0" * 64) -> ModelPlan:
    """A plan of one workload that pins a file of the repository."""
    environment = (
        ("MODELSERVER_ARTIFACT_URI", f"file:{FILE}"),
        ("MODELSERVER_ARTIFACT_SHA256", digest),
    )
    template = PodTemplate(environment, None, None, None, grace_s=5)
    return ModelPlan("m", (Workload("m-r1", "m", "r1", 1, template, ("m-r1",)),), ())


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    """A tree with the file."""
    put(tmp_path, b"model")
    return WorkTree(tmp_path / "tree")


def put(folder: Path, content: bytes) -> None:
    """Write the file."""
    path = folder / "tree" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def exported(export: ArtifactExport, tree: WorkTree) -> Path:
    """Where the file was exported to."""
    (workload,) = export.exported(tree, plan()).workloads
    return Path(workload.template.files) / FILE


def test_what_was_exported_before_is_not_written(
    tmp_path: Path, tree: WorkTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later run on a disk that takes nothing finds the files of an earlier one."""
    first = exported(ArtifactExport(tmp_path / "files"), tree)
    monkeypatch.setattr(artifacts, "write_atomically", None)

    assert first == exported(ArtifactExport(tmp_path / "files"), tree)


@pytest.mark.parametrize("damaged", [b"", b"mode", b"mOdel"])
def test_a_damaged_file_is_written_again(tmp_path: Path, tree: WorkTree, damaged: bytes) -> None:
    """What a machine that lost power has left in the place of a file is repaired."""
    exported(ArtifactExport(tmp_path / "files"), tree).write_bytes(damaged)

    assert b"model" == exported(ArtifactExport(tmp_path / "files"), tree).read_bytes()


def test_what_nobody_needs_is_dropped_beyond_a_bound(
    tmp_path: Path, tree: WorkTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is needed stays, and of the rest what was used last."""
    monkeypatch.setattr(artifacts, "_KEPT_FOLDERS", 1)
    export = ArtifactExport(tmp_path / "files")
    files = []
    for number in range(4):
        put(tmp_path, b"model %d" % number)
        files.append(exported(export, tree))
        os.utime(files[-1].parents[1], (number, number))

    export.prune([str(files[0].parents[1])])

    assert [True, False, False, True] == [file.exists() for file in files]


def test_a_bound_of_bytes(tmp_path: Path, tree: WorkTree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large files that nobody needs are not kept by their number alone."""
    monkeypatch.setattr(artifacts, "_KEPT_BYTES", 4)
    export = ArtifactExport(tmp_path / "files")
    file = exported(export, tree)

    export.prune([])

    assert not file.exists()
    assert file == exported(export, tree)
    assert file.exists()


def test_a_folder_that_cannot_be_listed(tmp_path: Path) -> None:
    """Dropping is for room alone: a fault of it stops nothing."""
    ArtifactExport(tmp_path / "nothing").prune([])


def test_why_a_model_cannot_be_written() -> None:
    """The words have the place, the reason and the remedy."""
    told = unwritable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/state/files/x"))

    assert told.startswith("its artifacts cannot be written to /state/files/x: No space left")
    assert "--state DIR" in told


def test_what_the_store_holds_is_read_from_the_laptops_own(tmp_path: Path) -> None:
    """A `store:` URI becomes the file of the main work tree's store, there already or not."""
    git(tmp_path, "init", "--quiet", "tree")
    sha256, uri = "ab" * 32, f"store:///{'ab' * 32}.onnx"
    template = PodTemplate((("MODELSERVER_ARTIFACT_URI", uri),), None, None, None, grace_s=5)
    wanted = ModelPlan("m", (Workload("m-r1", "m", "r1", 1, template, ("m-r1",)),), ())
    export = ArtifactExport(tmp_path / "files")

    (workload,) = export.exported(WorkTree(tmp_path / "tree"), wanted).workloads

    stored = tmp_path / "tree/.modelctl/store" / sha256
    assert stored.as_uri() == workload.template.variable("MODELSERVER_ARTIFACT_URI")
    assert ((uri, str(stored)),) == workload.template.stored
