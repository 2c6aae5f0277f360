"""What took long to find out is found out once, as long as nothing has changed."""

from pathlib import Path

from modelctl.repo.verdicts import remembered


def _asked(folder: Path | None, basis: str, answer: str) -> tuple[str, bool]:
    """The verdict, and whether it had to be found."""
    asked: list[str] = []

    def find() -> str:
        asked.append(basis)
        return answer

    return remembered(folder, basis, find), bool(asked)


def test_the_same_basis_is_asked_once(tmp_path: Path) -> None:
    """An empty verdict, that nothing is wrong, counts as one."""
    assert ("", True) == _asked(tmp_path, "a", "")
    assert ("", False) == _asked(tmp_path, "a", "never asked")


def test_another_basis_is_asked_anew(tmp_path: Path) -> None:
    """Other bytes, or another version of what judges them, are another question."""
    _asked(tmp_path, "a", "wrong")

    assert ("right", True) == _asked(tmp_path, "b", "right")


def test_a_damaged_record_counts_as_none(tmp_path: Path) -> None:
    """Whatever stands in a record is held to its own digest."""
    _asked(tmp_path, "a", "wrong")
    (record,) = (tmp_path / "modelctl" / "verdicts").iterdir()
    record.chmod(0o644)
    record.write_text("all is well")

    assert ("wrong", True) == _asked(tmp_path, "a", "wrong")


def test_without_a_folder_nothing_is_remembered() -> None:
    """A tree that is nowhere on disk is judged each time."""
    _asked(None, "a", "wrong")

    assert ("right", True) == _asked(None, "a", "right")
