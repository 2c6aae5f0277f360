"""`modelctl push` and `pull`: the files of releases between this machine and real stores."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.cli import stores
from modelctl.store import folder

Modelctl = Callable[..., str]


def test_a_checkout_without_git_objects_of_models_is_clean(
    stored: Path, modelctl: Modelctl
) -> None:
    """`check` finds nothing wrong with releases whose files lie in the store, there or not."""
    with_store = modelctl("check", "apps/linear")
    for file in folder.of(stored).iterdir():
        file.unlink()

    assert "error" not in with_store
    assert with_store == modelctl("check", "apps/linear")


def test_check_reads_what_the_store_has(stored: Path, modelctl: Modelctl) -> None:
    """A release that says something else than its file in the store is refused as ever."""
    release = stored / "apps/linear/releases/r1.yaml"
    release.write_text(release.read_text("utf-8").replace("bytes: ", "bytes: 1"), "utf-8")

    told = modelctl("check", "apps/linear", exit_code=1)

    assert "artifact-size-declared" in told


def test_push_then_pull(stored: Path, modelctl: Modelctl) -> None:
    """A push uploads once and says what is next; another machine pulls the same bytes."""
    first = modelctl("push", "linear", "--env", "staging")
    again = modelctl("push", "linear", "--env", "staging")
    for file in folder.of(stored).iterdir():
        file.unlink()
    brought = modelctl("pull", "linear", "--env", "staging", "--release", "r2")

    assert re.search(r"^linear r2 model: uploaded \(\d+ bytes\)$", first, re.MULTILINE)
    assert "staging finds 2 files where it reads them, verified; next: `modelctl promote" in first
    assert "linear r2 model: is there" in again
    assert "linear r2 model: brought from staging" in brought
    assert 2 == len(list(folder.of(stored).iterdir()))


@pytest.mark.usefixtures("stored")
def test_what_serves_is_meant_where_no_model_is_named(modelctl: Modelctl) -> None:
    """Nothing serves in staging yet, which is said; locally r1 does, and lies here already."""
    assert "no release serves there; name a MODEL" in modelctl("push", "--env", "staging")
    assert "linear r1 model: is there" in modelctl("push", "--env", "local")
    assert "found 2 files of the store in" in modelctl("pull")


def test_what_is_nowhere_ends_a_push(stored: Path, modelctl: Modelctl) -> None:
    """A file that is neither here nor in a store is told with what was looked at."""
    for file in folder.of(stored).iterdir():
        file.unlink()

    told = modelctl("push", "linear", "--env", "staging", exit_code=2)

    assert f"linear r2 model: found it nowhere: not in {folder.of(stored)}; no other" in told
    assert "`modelctl pull linear`" in modelctl("push", "linear", "--env", "local", exit_code=2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["push", "liner", "--env", "staging"], "linear"),
        (["push", "--env", "stagin"], "staging"),
        (["push", "linear", "--env", "staging", "--release", "r3"], "found the release 'r3'"),
        (["push", "--env", "staging", "--release", "r1"], "--release is of one MODEL"),
        (["pull", "--release", "r1"], "--release is of one MODEL"),
    ],
)
@pytest.mark.usefixtures("stored")
def test_names_that_are_not_there(words: list[str], told: str, modelctl: Modelctl) -> None:
    """What is misspelt is told with the nearest name."""
    assert told in modelctl(*words, exit_code=2)


def test_progress_is_for_terminals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal sees how far a transfer is, and nothing of it once it is done; a pipe nothing."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    show = stores.watch("uploading m r1 model", 10_000_000)
    for passed_bytes in (1, 5_000_000, 10_000_000):
        show(passed_bytes)
    terminal = capsys.readouterr().err

    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    stores.watch("uploading m r1 model", 10_000_000)(10_000_000)

    assert "\r\x1b[Kuploading m r1 model: 5 of 10 MB" in terminal
    assert terminal.endswith("10 of 10 MB\r\x1b[K")
    assert "" == capsys.readouterr().err
