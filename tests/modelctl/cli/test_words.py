"""Whole command lines that cannot be meant: each ends with 2, says why, and changes nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine_kit import Repo
from modelctl.__main__ import main
from scratch import PROJECT, git

Words = tuple[str, ...]
Refused = Callable[[Words], str]
ARTIFACTS = PROJECT / "examples" / "artifacts" / "linear"
IMAGE = f"registry.example.com/modelserver@sha256:{'ab' * 32}"
ONNX = str(ARTIFACTS / "r2.onnx")
EDIT = ("linear", "--env", "local")
NEW = (
    "new", "other", "--artifact", ONNX, "--owner", "forecasting", "--description", "Predicts y.",
    "--image", IMAGE,
)  # fmt: skip
RELEASE = ("release", "linear", "--artifact", ONNX)

BLANK = (
    ("promote", *EDIT, "--release", ""),
    ("promote", *EDIT, "--release="),
    ("retire", *EDIT, "--release", ""),
    ("shift", "linear", "--env", "", "r2=5"),
    ("shift", "", "--env", "local", "r2=5"),
    ("shift", *EDIT, ""),
    ("rollback", "linear", "--env", " "),
    ("history", "linear", "--at", ""),
    ("history", "linear", "--env", ""),
    ("check", ""),
    ("check", "--ref", ""),
    ("release", "", "--image", IMAGE),
    ("release", "linear", "--image", ""),
    (*RELEASE, "--golden", ""),
    (*RELEASE, "--example", ""),
    (*RELEASE, "--trained-from", ""),
    (*NEW, "--env", ""),
    (*NEW[:-3], " \t", *NEW[-2:]),
    ("up", "--repo", ""),
    ("up", "--env", ""),
    ("up", "--state", ""),
    ("up", "--ref", ""),
    ("status", "--state", ""),
    ("explain", ""),
)
REPEATED = (
    ("shift", *EDIT, "r2=5", "r2=90"),
    ("shift", *EDIT, "--env", "prod", "r2=5"),
    ("promote", *EDIT, "--release", "r1", "--release", "r2"),
    ("rollback", *EDIT, "--env", "local"),
    ("release", "linear", "linear", "--image", IMAGE),
    ("release", "linear", "--image", IMAGE, "--image", IMAGE),
    (*RELEASE, "--trained-from", "a", "--metric", "rmse=0.5", "--metric", "rmse=0.6"),
    (*NEW, "--peak-rps", "5", "--peak-rps", "50"),
    ("history", "linear", "--at", "2026-03-01", "--at", "2026-03-02"),
    ("check", "apps/linear", "apps/linear/"),
    ("check", "--ref", "HEAD", "--ref", "main"),
    ("check", "--format", "json", "--format", "text"),
    ("up", "--port", "0", "--port", "8080"),
)
UNKNOWN = (
    (("shift", "liner", "--env", "local", "r2=5"), "found the model 'liner', expected"),
    (("shift", "liner", "--env", "local", "r2=5"), "did you mean linear?"),
    (("rollback", "linear", "--env", "lcal"), "found the environment 'lcal', expected"),
    (("rollback", "linear", "--env", "lcal"), "did you mean local?"),
    (("promote", "linear", "--env", "prod"), "write it, or choose where it is served: local"),
    (("release", "liner", "--image", IMAGE), "did you mean linear?"),
    (("history", "liner"), "did you mean linear?"),
    (("history", "linear", "--env", "lcal"), "did you mean local?"),
    ((*NEW, "--env", "lcal"), "did you mean local?"),
    (("shift", *EDIT, "--comit", "r2=5"), "did you mean --commit?"),
    (("shift", "linear", "--en", "local", "r2=5"), "did you mean --env?"),
    (("render", "--chek"), "did you mean --check?"),
    (("render", "apps/linear"), "found 'apps/linear', expected no further argument"),
    (("check", "--format", "jsn"), "did you mean json?"),
    (("check", "--ref", "mian"), "did you mean main?"),
    (("check", "--ref", "HEAD", "apps/linear/notes.txt"), "is not in the commit"),
    (("check", "--ref", "HEAD", "drafts"), "is not in the commit"),
    (("explain", "weight-sum-100"), "did you mean weights-sum-100?"),
)
CONTRADICTORY = (
    ((*RELEASE, "--metric", "rmse=0.5"), "found --metric without --trained-from, expected both"),
    ((*RELEASE, "--data-sha256", "ab" * 32), "found --data-sha256 without --trained-from"),
    ((*NEW, "--metric", "rmse=0.5"), "found --metric without --trained-from"),
    (("release", "--all", "linear", "--image", IMAGE), "found both, expected either MODEL or"),
    (("release", "--image", IMAGE), "found neither, expected either MODEL or --all"),
    (("up", "--ref", "main", "--worktree"), "not allowed with argument"),
)
MALFORMED = (
    (("shift", *EDIT, "r2="), "expected RELEASE=PERCENT"),
    (("shift", *EDIT, "r2=101"), "expected RELEASE=PERCENT from 0 to 100"),
    (("promote", *EDIT, "--release", "2"), "expected a release such as r2"),
    ((*RELEASE, "--trained-from", "a", "--metric", "=0.5"), "expected NAME=NUMBER"),
    ((*RELEASE, "--trained-from", "a", "--metric", "rmse=nan"), "expected NAME=NUMBER"),
    ((*RELEASE, "--trained-from", "a", "--data-sha256", "abc"), "expected 64 lower-case hex"),
    (
        (*RELEASE, "--artifacts-at", "models"),
        "expected an https, s3, gs, az, abfss, oci, file or store URI",
    ),
    (("release", "linear", "--image", "modelserver:latest"), "expected an image name, @sha256:"),
    ((*NEW, "--latency-p99-ms", "-5"), "--latency-p99-ms: found -5.0, expected more than 0"),
    ((*NEW, "--latency-p99-ms", "nan"), "expected a number"),
    ((*NEW, "--error-rate", "2"), "expected at most 1"),
    ((*NEW, "--peak-rps", "inf"), "expected a number"),
    (("new", "Other", *NEW[2:]), "expected lower-case letters, digits and hyphens"),
    (("history", "linear", "--at", "2026-02-30"), "expected ISO 8601"),
    (("up", "--port", "65536"), "--port: found '65536', expected a port from 1 to 65535"),
    (("up", "--status-port", "-1"), "--status-port: found '-1', expected a port"),
)


def state(root: Path) -> str:
    """Every file that differs from the last commit, and how many commits there are."""
    return git(root, "status", "--porcelain") + git(root, "rev-list", "--count", "HEAD")


def named(value: Words | str) -> str:
    """The name of a case: its command line."""
    return " ".join(value) if isinstance(value, tuple) else ""


UNTOUCHED = "?? apps/linear/notes.txt\n1\n"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the model `linear`, served in `local`, and files that are not committed."""
    root = Repo(tmp_path_factory.mktemp("words")).root
    (root / "apps" / "linear" / "notes.txt").write_text("not committed\n")
    (root / "drafts").mkdir()
    return root


@pytest.fixture
def refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Refused:
    """Run a command line that must be refused, and give the words that it is refused with."""

    def run(words: Words) -> str:
        monkeypatch.chdir(repository)
        found = main(words)
        output = capsys.readouterr()
        assert (2, "") == (found, output.out), output.err
        assert state(repository) == UNTOUCHED
        return output.err

    return run


@pytest.mark.parametrize("words", BLANK, ids=" ".join)
def test_blank(words: Words, refused: Refused) -> None:
    """A word that is empty or blank is never taken for one that was left out."""
    told = refused(words)

    assert "found an empty" in told
    assert f"(see `modelctl {words[0]} --help`)" in told


@pytest.mark.parametrize("words", REPEATED, ids=" ".join)
def test_repeated(words: Words, refused: Refused) -> None:
    """What is said twice is refused: no later word wins."""
    told = refused(words)

    assert "2 times, expected it once (see" in told


@pytest.mark.parametrize(("words", "said"), UNKNOWN, ids=named)
def test_unknown(words: Words, said: str, refused: Refused) -> None:
    """What the repository or the command does not have is named, with the nearest that it has."""
    assert said in refused(words)


@pytest.mark.parametrize(("words", "said"), CONTRADICTORY, ids=named)
def test_contradictory(words: Words, said: str, refused: Refused) -> None:
    """Options that contradict each other, or have no effect alone, are refused."""
    assert said in refused(words)


@pytest.mark.parametrize(("words", "said"), MALFORMED, ids=named)
def test_malformed(words: Words, said: str, refused: Refused) -> None:
    """A value that its field could not have is refused before anything is read."""
    assert said in refused(words)


@pytest.mark.parametrize("words", [("rules", "--help"), ("promote", *EDIT, "--help")], ids=" ".join)
def test_help_stays_help(words: Words, capsys: pytest.CaptureFixture[str]) -> None:
    """Help is given whatever else is said."""
    assert 0 == main(words)
    assert capsys.readouterr().out.startswith(f"usage: modelctl {words[0]}")
