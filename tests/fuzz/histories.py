"""Histories that nobody would write: mutated commits, branches and merges, and commands on them."""

import contextlib
import io
import os
import random
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelctl.__main__ import command
from modelctl.cli.parser import Parser
from modelctl.errors import ModelctlError
from tests.fuzz import corpus
from tests.fuzz.judging import UnjustError

_EXIT_CODES = frozenset({0, 1, 2})
_MOST_COMMITS = 6
_REFERENCES = (
    "main",
    "HEAD",
    "HEAD^",
    "HEAD~2",
    "HEAD~9",
    "side",
    "no",
    "",
    "-x",
    "HEAD:apps",
    "@{-1}",
)
_MODELS = ("digits", "linear", "no", "é", "..", "")
_ENVIRONMENTS = ("prod", "local", "no", "")
_BEGIN_S = 1_700_000_000  # any time
_USER = "Fuzz <fuzz@example.com>"
_SETTINGS = ("-c", "user.name=Fuzz", "-c", "user.email=fuzz@example.com")


def history(chance: random.Random) -> None:
    """Commands of every kind on a repository of a few commits: they end with 0, 1 or 2."""
    with tempfile.TemporaryDirectory(prefix="modelctl-fuzz-") as name:
        root = Path(name)
        _make(root, chance)
        with _inside(root):
            for _ in range(3):
                _run(_words(chance))


def _make(root: Path, chance: random.Random) -> None:
    """Write the commits, and check the last one out, as far as it can be."""
    _git(root, "init", "--quiet", "--initial-branch=main")
    stream = b"".join(_commits(chance))
    _git(root, "fast-import", "--quiet", "--force", given=stream)
    _git(root, "reset", "--quiet", "--hard", "main")
    if chance.random() < 0.3:
        (root / "apps").mkdir(exist_ok=True)
        (root / "apps" / "loose.yaml").write_bytes(b"\xff")


def _commits(chance: random.Random) -> Iterator[bytes]:
    """Commits for `git fast-import`, on main and a side branch, some of them merges."""
    started = corpus.tree(chance)
    while started is corpus.own():
        started = corpus.tree(chance)
    states = {"main": started}
    for number in range(chance.randint(1, _MOST_COMMITS)):
        branch = chance.choice(("main", "main", "side")) if number else "main"
        has_side, state = "side" in states, states.get(branch, states["main"])
        is_back = number and chance.random() < 0.2
        states[branch] = started if is_back else corpus.mutated(chance, state)
        time_s = _BEGIN_S + number * chance.choice((0, 60, 10**6, -60))
        yield f"commit refs/heads/{branch}\n".encode()
        yield f"committer {_USER} {max(time_s, 0)} +0000\ndata 1\nx\n".encode()
        if branch == "side" and not has_side:
            yield b"from refs/heads/main\n"
        if branch == "main" and has_side and chance.random() < 0.5:
            yield b"merge refs/heads/side\n"
        yield from _files(states[branch].files)


def _files(files: Mapping[str, bytes]) -> Iterator[bytes]:
    """Every file of a commit; what git does not take as a path is left out."""
    yield b"deleteall\n"
    for path, content in files.items():
        if {".git", "", ".", ".."}.intersection(path.split("/")):
            continue
        quoted = "".join(_quoted(byte) for byte in path.encode("utf-8", "surrogateescape"))
        yield f'M 100644 inline "{quoted}"\n'.encode()
        yield b"data %d\n" % len(content) + content + b"\n"


def _quoted(byte: int) -> str:
    is_plain = 32 <= byte < 127 and chr(byte) not in '"\\'
    return chr(byte) if is_plain else f"\\{byte:03o}"


def _words(chance: random.Random) -> list[str]:
    """A command and its arguments."""
    reference, model = chance.choice(_REFERENCES), chance.choice(_MODELS)
    environment, release = chance.choice(_ENVIRONMENTS), chance.choice(("r1", "r2", "r9", "x"))
    commands = (
        ["check"],
        ["check", f"--base={reference}"],
        ["check", f"--ref={reference}", f"--base={chance.choice(_REFERENCES)}"],
        ["check", f"apps/{model}", f"--format={chance.choice(('json', 'sarif', 'text'))}"],
        ["diff"],
        ["diff", f"--ref={reference}", "--format=json"],
        ["history", model],
        ["history", model, f"--env={environment}"],
        ["rollback", model, f"--env={environment}"],
        ["rollback", model, f"--env={environment}", f"--to={release}"],
        ["shift", model, f"--env={environment}", f"{release}={chance.choice((0, 5, 100, 'x'))}"],
        ["promote", model, f"--env={environment}", release],
        ["retire", model, f"--env={environment}", release],
        ["render"],
        ["render", "--check"],
    )
    return chance.choice(commands)


def _run(words: list[str]) -> None:
    """Run a command as `modelctl` would, but for its outermost handler."""
    module, parser = command(words[0]), Parser(f"modelctl {words[0]}", "")
    module.configure(parser)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            exit_code = module.run(parser.read(words[1:]))
        except SystemExit as done:
            exit_code = int(done.code or 0)
        except ModelctlError:
            return
        except OSError:
            return
    if exit_code not in _EXIT_CODES:
        raise UnjustError(f"modelctl {words}: exit code {exit_code}")


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _git(root: Path, *words: str, given: bytes = b"") -> None:
    done = subprocess.run(
        ["git", "-C", str(root), *_SETTINGS, *words], input=given, check=False, capture_output=True
    )
    if done.returncode:
        raise AssertionError(f"git {words}: {done.stderr.decode(errors='replace')}")
