"""The outermost handler: whatever goes wrong ends with words and an exit code, no traceback."""

import errno
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelctl import __main__ as program
from modelctl.errors import EditRefusedError, GitError
from scratch import PROJECT, git, init
from told_status import telling

Done = subprocess.CompletedProcess[str]
MODELCTL = [sys.executable, "-m", "modelctl"]
TRACEBACK = "Traceback"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with environments and a model of which `check` says something with an ü."""
    root = tmp_path_factory.mktemp("faulty")
    shutil.copytree(PROJECT / "argocd", root / "argocd")
    shutil.rmtree(root / "argocd" / "applications", ignore_errors=True)
    (root / "apps" / "linear").mkdir(parents=True)
    (root / "apps" / "linear" / "model.yaml").write_text("ü: 1\n", encoding="utf-8")
    init(root)
    return root


def run(root: Path, *words: str, **settings: Any) -> Done:  # noqa: ANN401 - subprocess's own
    """The program in a folder, as a process of its own."""
    environment = os.environ | settings.pop("env", {})
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings
    return subprocess.run(
        [*MODELCTL, *words], cwd=root, env=environment, text=True, check=False, **streams
    )


def test_findings_are_one(faulty: Path) -> None:
    """The exit code of findings is told from every other."""
    done = run(faulty, "check")

    assert 1 == done.returncode
    assert 'unknown field "ü"' in done.stdout


@pytest.mark.parametrize("words", ["rules", "explain none"])
def test_garbage_is_collected_again(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A command in a process that lives on leaves the collector on, however it ends."""
    program.main(words.split())

    assert gc.isenabled()
    assert capsys.readouterr()


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["check", "--help", "rules", "up --help"])
def test_a_full_disk(faulty: Path, words: str, unbuffered: str) -> None:
    """A result that cannot be written is no result: 2, and why on standard error."""
    with Path("/dev/full").open("w") as full:
        done = run(faulty, *words.split(), stdout=full, env={"PYTHONUNBUFFERED": unbuffered})

    assert 2 == done.returncode
    assert done.stderr.startswith(
        "modelctl: standard output cannot be written: No space left on device"
    )
    assert 1 == len(done.stderr.splitlines())


def test_both_outputs_full(faulty: Path) -> None:
    """Where nobody can be told, the exit code still tells."""
    with Path("/dev/full").open("w") as full:
        done = run(faulty, "check", stdout=full, stderr=full)

    assert 2 == done.returncode


def test_words_that_cannot_be_written(faulty: Path) -> None:
    """An error whose words cannot be written keeps its exit code."""
    with Path("/dev/full").open("w") as full:
        done = run(faulty, "explain", "zzz", stderr=full)

    assert 2 == done.returncode


@pytest.mark.parametrize("words", ["check", "--help"])
def test_a_reader_that_has_gone(faulty: Path, words: str) -> None:
    """After `| head -1` has read enough, nothing is complained about."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(faulty, words, stdout=writer)
    finally:
        os.close(writer)

    assert (2, "") == (done.returncode, done.stderr)


def test_closed_output(faulty: Path) -> None:
    """Without a standard output no command begins, so that no edit is made unseen."""
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *MODELCTL, "render"]
    done = subprocess.run(shell, cwd=faulty, stderr=subprocess.PIPE, text=True, check=False)

    assert 2 == done.returncode
    assert "modelctl: standard output is closed" in done.stderr
    assert git(faulty, "status", "--porcelain") == ""


def test_closed_errors(faulty: Path) -> None:
    """Without a standard error the words are lost, and never mixed into the result."""
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh", *MODELCTL, "explain", "zzz"]
    done = subprocess.run(shell, cwd=faulty, stdout=subprocess.PIPE, text=True, check=False)

    assert (2, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("encoding", ["ascii", "ascii:strict", "latin-1"])
def test_an_encoding_that_lacks_letters(faulty: Path, encoding: str) -> None:
    """What a terminal cannot show is escaped: findings stay findings."""
    done = run(faulty, "check", env={"PYTHONIOENCODING": encoding}, encoding="latin-1")

    shown = "ü" if encoding == "latin-1" else r"\xfc"
    assert (1, "") == (done.returncode, done.stderr)
    assert f'unknown field "{shown}"' in done.stdout


def test_an_error_in_an_encoding_that_lacks_letters(faulty: Path) -> None:
    """The same holds of errors."""
    done = run(faulty, "explain", "regel-ü", env={"PYTHONIOENCODING": "ascii"})

    assert 2 == done.returncode
    assert done.stderr.startswith(r"modelctl: found no rule regel-\xfc")


def test_json_stays_json(tmp_path: Path) -> None:
    """A status in JSON can be read whatever the encoding lacks."""
    words = ("status", "--state", str(tmp_path), "--format", "json")
    with telling(tmp_path, b'{"subject": "\xc3\xbc \\ud800"}'):
        done = run(tmp_path, *words, env={"PYTHONIOENCODING": "ascii"})

    assert "ü \ud800" == json.loads(done.stdout)["subject"]
    assert "" == done.stderr


@pytest.fixture
def waiting(tmp_path: Path, faulty: Path) -> Iterator["subprocess.Popen[str]"]:
    """A `modelctl check` that waits for a git which never answers."""
    os.mkfifo(tmp_path / "started")
    os.mkfifo(tmp_path / "end")
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\n: >{tmp_path}/started\nread end <{tmp_path}/end\n")
    git.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # A shell ignores the signal in what it starts in the background, and that is inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [*MODELCTL, "check"], cwd=faulty, env=environment, text=True, **pipes
    ) as process:
        signal.signal(signal.SIGINT, before)
        (tmp_path / "started").read_bytes()
        yield process


def test_interrupted(waiting: "subprocess.Popen[str]") -> None:
    """Ctrl-C ends with 130 and one line."""
    waiting.send_signal(signal.SIGINT)

    assert ("", "modelctl: interrupted\n") == waiting.communicate(timeout=30)
    assert 130 == waiting.returncode


class Raises:
    """A command that fails."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def configure(self, parser: object) -> None:
        """No arguments."""

    def run(self, _: object) -> int:
        """Fail, after a part of the result has been printed."""
        sys.stdout.write("a part")
        raise self._error


@pytest.mark.parametrize(
    ("error", "exit_code", "told"),
    [
        (EditRefusedError("the release is cold"), 1, "refused: the release is cold"),
        (GitError("found no commit"), 2, "found no commit"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/a/b"),
            2,
            "/a/b: Permission denied: look at its owner and its permissions, then try again",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/a/b"),
            2,
            "/a/b: No space left on device: free some space, then try again",
        ),
        (TimeoutError("timed out"), 2, "timed out"),
        (MemoryError(), 2, "there is not enough memory: end other programs, or use a machine"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (KeyError("stable"), 2, "this is a fault of modelctl, not of your files: KeyError:"),
        (RecursionError("too deep"), 2, "this is a fault of modelctl, not of your files"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_error_has_words(
    error: BaseException,
    exit_code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each kind of error is one line and an exit code; what was printed before it stays."""
    monkeypatch.setattr(program, "command", lambda _: Raises(error))
    found = program.main(["rules"])
    output = capsys.readouterr()

    assert (exit_code, "a part") == (found, output.out)
    assert output.err.startswith(f"modelctl: {told}")
    assert 1 == output.err.count("\n")


def test_a_fault_of_its_own_says_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unexpected exception names its place, and the variable that shows more."""
    monkeypatch.setattr(program, "command", lambda _: Raises(ValueError("two\nlines")))
    program.main(["rules"])

    told = capsys.readouterr().err
    assert "ValueError: two lines (test_main.py:" in told
    assert "MODELCTL_TRACEBACK=1" in told


def test_the_traceback_on_demand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With MODELCTL_TRACEBACK=1 the traceback comes before the line."""
    monkeypatch.setenv("MODELCTL_TRACEBACK", "1")
    monkeypatch.setattr(program, "command", lambda _: Raises(ValueError("no")))
    program.main(["rules"])

    told = capsys.readouterr().err
    assert told.startswith(TRACEBACK)
    assert told.splitlines()[-1].startswith("modelctl: this is a fault of modelctl")


def test_errors_do_not_command_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control characters that git or a file brings into an error are made visible."""
    monkeypatch.setattr(program, "command", lambda _: Raises(GitError("one\x1b[2J\n  two")))
    program.main(["rules"])

    assert "modelctl: one\\x1b[2J\n  two\n" == capsys.readouterr().err


def test_the_working_folder_is_gone(tmp_path: Path) -> None:
    """A folder that was removed under the shell is named as what is missing."""
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = ["sh", "-c", 'rmdir ../gone && exec "$@"', "sh", *MODELCTL, "check"]
    done = subprocess.run(
        shell, cwd=gone, env=os.environ | {"PYTHONPATH": str(PROJECT)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert 2 == done.returncode
    assert "modelctl: the current folder has been removed: change into another" in done.stderr
    assert TRACEBACK not in done.stderr


@pytest.mark.parametrize("words", ["render --check", "check", "history linear", "rules"])
def test_reading_takes_no_lock(faulty: Path, words: str) -> None:
    """Whoever only reads needs no right to write into the git folder, and no lock."""
    git = faulty / ".git"
    modes = {path: path.stat().st_mode for path in (git, *git.rglob("*")) if path.is_dir()}
    for path in modes:
        path.chmod(0o555)
    try:
        # The superuser may write everywhere, unless it gives that right away.
        without = "-dac_override,-dac_read_search"
        drop = ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}"]
        done = subprocess.run(
            [*(drop if os.geteuid() == 0 else []), *MODELCTL, *words.split()],
            cwd=faulty, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        for path, mode in modes.items():
            path.chmod(mode)

    assert TRACEBACK not in done.stderr
    assert "Permission denied" not in done.stderr
    assert not (git / "modelctl.lock").exists()


def test_writing_where_git_cannot_be_written(faulty: Path) -> None:
    """An edit that cannot take its lock says which file it could not write."""
    (faulty / ".git" / "modelctl.lock").mkdir()
    try:
        done = run(faulty, "render")
    finally:
        (faulty / ".git" / "modelctl.lock").rmdir()

    assert 2 == done.returncode
    assert f"modelctl: {faulty}/.git/modelctl.lock: Is a directory" in done.stderr


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The overview has one line a command, and loads none of them."""
    assert 0 == program.main(["--help"])
    listed = capsys.readouterr().out

    assert [] == [name for name in program.COMMANDS if f"\n    {name} " not in listed]
    assert "130 interrupted" in listed


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help of each command begins with how it is called and has its summary."""
    assert 0 == program.main([name, "--help"])
    shown = capsys.readouterr().out

    assert shown.startswith(f"usage: modelctl {name} ")
    assert program.COMMANDS[name] in " ".join(shown.split())


RUN = "from modelctl.__main__ import main; sys.exit(main(sys.argv[1:]))"


def without(module: str, *words: str) -> Done:
    """The program in a process that cannot import a module."""
    code = f"import sys; sys.modules[{module!r}] = None\n{RUN}"
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )


def test_a_missing_extra() -> None:
    """A command whose extra is not installed says how to install it; the others work."""
    done = without("uvicorn", "up")

    told = "found no module uvicorn, which `modelctl up` needs: pip install 'modelctl[local]'"
    assert (2, f"modelctl: {told}\n") == (done.returncode, done.stderr)
    assert 0 == without("uvicorn", "rules").returncode


def test_only_its_own_missing_modules_are_faults() -> None:
    """A module of modelctl itself that is missing is no extra."""
    done = without("modelctl.pages.rules", "rules")

    assert 2 == done.returncode
    assert "this is a fault of modelctl" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("chekc",), "found the command 'chekc', expected one of modelctl: did you mean check?"),
        (("",), "found the command '', expected one of modelctl"),
        ((), "found no command"),
        (("--ehlp",), "found the command '--ehlp'"),
    ],
)
def test_no_such_command(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that is not there ends with 2 and the nearest."""
    assert 2 == program.main(words)
    assert said in capsys.readouterr().err


def test_no_model_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`up` without the model server that it starts says so at once."""
    monkeypatch.setattr("modelctl.cli.up.find_spec", lambda _: None)

    assert 2 == program.main(["up"])
    assert "modelctl: found no model server, expected the package" in capsys.readouterr().err
