"""The harness itself: what it builds, and that it notices what it must."""

from pathlib import Path

from harness.content import TESTS, digest
from harness.events import Run, Task
from harness.stub_packages import control, stubs


def test_a_digest_follows_content_and_names(tmp_path: Path) -> None:
    """A change of a file's bytes or name makes another digest, a Python cache does not."""
    (tmp_path / "a.txt").write_text("1")
    before = digest([tmp_path])
    (tmp_path / "a.pyc").write_text("cache")
    same = digest([tmp_path])
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")

    assert before == same
    assert before != digest([tmp_path])


def test_a_stub_says_its_relations() -> None:
    """The control file holds version, dependencies and what the package provides."""
    stub = next(stub for stub in stubs() if stub.name == "containerd.io")
    text = control(stub, "amd64")

    assert f"Version: {stub.version}\n" in text
    assert "Depends: stub-programs\n" in text
    assert "Provides: containerd, runc\n" in text


def test_every_stub_file_is_there() -> None:
    """A package names no file that does not exist."""
    sources = {file["source"] for stub in stubs() for file in stub.told.get("files") or []}

    assert [] == sorted(name for name in sources if not (TESTS / "stubs" / name).exists())


def test_a_run_tells_changes_from_failures() -> None:
    """A changed task and a failed one are found by their events."""
    changed = Task("a", "Write", "runner_on_ok", {"changed": True})
    failed = Task("b", "Ask", "runner_on_failed", {"msg": "no", "warnings": ["old"]})
    run = Run("failed", [changed, failed], "fine\n[WARNING]: odd")

    assert [changed] == run.changed
    assert [failed] == run.failed
    assert ["[b] Ask: old", "[WARNING]: odd"] == run.warnings
