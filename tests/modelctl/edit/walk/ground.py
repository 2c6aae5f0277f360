"""The repository that is walked on: git as it is, commands in this process, kills in another."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from modelctl.__main__ import main
from scratch import PROJECT, git, init

MODELS = ("alpha", "beta")
ENVIRONMENTS = ("local", "prod")
ARTIFACTS = PROJECT / "examples" / "artifacts" / "linear"
IMAGES = tuple(f"registry.example.com/modelserver@sha256:{digit * 64}" for digit in "abc")
# Nothing of the machine's own git, no clean-up beside the walk, no waiting for a disk.
SETTINGS = {
    "core.fsync": "none",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.hooksPath": ".git/hooks",
}
_BEGINNING_S = 1_700_000_000
_ENVIRONMENTS = """\
repository:
  url: "https://git.models.test/platform/models.git"
  revision: refs/heads/main

environments:
  - name: local
    engine: local
    template: v1
    gateway: {name: models, namespace: gateway, listener: http, hostname: models.localhost}
    artifact_mirrors: {"https://models.example.com/": "file:examples/artifacts/"}

  - name: prod
    engine: argocd
    template: v1
    gateway: {name: models, namespace: gateway, listener: https, hostname: models.test}
"""
# Waits for orders, and does each in a child of its own that dies before the file it is told.
_EXECUTIONER = """
import json, os, signal, sys
from modelctl.__main__ import COMMANDS, command, main
from modelctl.edit import undo
for name in ("shift", "promote", "retire", "rollback", "release"):
    command(name)
put = undo.put
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if not child:
        left = order["files"]
        def dying(*arguments):
            global left
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            put(*arguments)
        undo.put = dying
        os.chdir(order["root"])
        os.environ.update(order["environment"])
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os._exit(main(order["words"]))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
# In a hook: kills the modelctl that runs git, which is the parent of the hook's parent.
KILL = "kill -9 $(cut -d' ' -f4 /proc/$PPID/stat)"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and all that it said."""

    exit_code: int
    output: str


def template(root: Path) -> None:
    """Make the repository that every walk begins with: two models, each in two environments."""
    (root / "argocd").mkdir(parents=True)
    shutil.copy(PROJECT / "argocd/teams.yaml", root / "argocd/teams.yaml")
    (root / "argocd/environments.yaml").write_text(_ENVIRONMENTS)
    (root / "notes.txt").write_text("nobody's\n")
    init(root)
    for name, value in SETTINGS.items():
        git(root, "config", name, value)
    ground = Ground(root)
    for model in MODELS:
        ground.must("new", model, *described("r1"), "--commit")
        ground.must("release", model, "--artifact", str(ARTIFACTS / "r2.onnx"), "--commit")
        shutil.copy(root / f"apps/{model}/envs/local.yaml", root / f"apps/{model}/envs/prod.yaml")
    ground.must("render")
    ground.commit("apps: Serve in prod")
    ground.must("shift", "alpha", "--env", "local", "r2=0", "--commit")
    ground.must("promote", "alpha", "--env", "local", "--release", "r2", "--commit")
    git(root, "gc", "--quiet")
    ground.close()


def described(release: str) -> tuple[str, ...]:
    """What `modelctl new` has to be told of a model."""
    return (
        "--artifact", str(ARTIFACTS / f"{release}.onnx"), "--owner", "forecasting",
        "--description", "Predicts y from x.", "--image", IMAGES[0],
    )  # fmt: skip


class Ground:
    """A repository, with a clock of its own so that each walk gives the same commits again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._objects: subprocess.Popen[bytes] | None = None
        self._now_s = _BEGINNING_S
        self.blobs: dict[str, bytes] = {}
        os.chdir(root)

    def tick(self) -> None:
        """Let a minute pass: commits are made at different times."""
        self._now_s += 60
        os.environ["GIT_AUTHOR_DATE"] = os.environ["GIT_COMMITTER_DATE"] = f"{self._now_s} +0000"

    def git(self, *words: str) -> Ran:
        """Run git."""
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, check=False)
        return Ran(done.returncode, (done.stdout + done.stderr).decode(errors="replace"))

    def modelctl(self, *words: str) -> Ran:
        """Run the command line in this process."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            exit_code = main(words)
        return Ran(exit_code, said.getvalue())

    def must(self, *words: str) -> None:
        """Run a command that cannot fail."""
        self.tick()
        ran = self.modelctl(*words)
        assert 0 == ran.exit_code, ran.output

    def status(self) -> tuple[str, str]:
        """The commit that is checked out, and how index and files differ from it."""
        words = ("status", "--porcelain=v2", "--branch", "--untracked-files=all")
        head, *rest = self.git(*words).output.splitlines()
        own = [line for line in rest if not line.startswith("# ")]
        return head.removeprefix("# branch.oid "), "\n".join(own)

    def is_half_edited(self) -> bool:
        """Whether the record of an edit that never came to its end is there."""
        return (self.root / ".git/modelctl-edit.json").exists()

    def branch(self) -> str:
        """The branch that is checked out."""
        return self.read(".git/HEAD").strip().rpartition("/")[2]

    def commit(self, subject: str) -> bool:
        """Commit everything by hand, past every hook; whether there was anything."""
        self.tick()
        self.git("add", "--all")
        return not self.git("commit", "--quiet", "--no-verify", "--message", subject).exit_code

    def read(self, path: str) -> str:
        """The text of a file; empty for none."""
        file = self.root / path
        return file.read_text() if file.is_file() else ""

    def write(self, path: str, text: str | None) -> None:
        """Write a file, or remove it."""
        file = self.root / path
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def parents(self, commit: str) -> list[str]:
        """The parents of a commit, the main line's first."""
        head, _, _ = self.object(commit).partition(b"\n\n")
        words = (line.split(b" ") for line in head.splitlines())
        return [value.decode() for name, value, *_ in words if name == b"parent"]

    def files(self, commit: str) -> dict[str, str]:
        """By path, the name of the bytes of every file of a commit, which are in `blobs` then."""
        listed = subprocess.run(
            ["git", "ls-tree", "-r", "-z", commit], cwd=self.root, capture_output=True, check=True
        ).stdout.decode()
        records = (record.split("\t") for record in filter(None, listed.split("\0")))
        found = {path: about.split(" ")[2] for about, path in records}
        for blob in found.values():
            if blob not in self.blobs:
                self.blobs[blob] = self.object(blob)
        return found

    def object(self, name: str) -> bytes:
        """The bytes of an object, from one git process for the whole walk."""
        if self._objects is None:
            self._objects = subprocess.Popen(
                ["git", "cat-file", "--batch"],
                cwd=self.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        stdin, stdout = _pipes(self._objects)
        stdin.write(f"{name}\n".encode())
        stdin.flush()
        size = int(stdout.readline().split(b" ")[2])
        content = stdout.read(size + 1)
        return content[:-1]

    @contextmanager
    def hook(self, script: str) -> Iterator[None]:
        """A hook before each commit."""
        path = self.root / ".git/hooks/pre-commit"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        try:
            yield
        finally:
            path.unlink()

    def let_git_end(self) -> None:
        """Wait until a git that outlived its parent has let go of the index."""
        while (self.root / ".git/index.lock").exists():
            pass

    def close(self) -> None:
        """End the process that reads objects."""
        if self._objects is not None:
            stdin, stdout = _pipes(self._objects)
            stdin.close()
            stdout.close()
            self._objects.wait()
            self._objects = None


class Executioner:
    """Runs commands that are killed while they write."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _EXECUTIONER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def run(self, root: Path, words: Sequence[str], *, files: int) -> int:
        """Run a command that dies before it has written more than `files`; how it ended."""
        stdin, stdout = _pipes(self._process)
        own: Mapping[str, str] = {k: v for k, v in os.environ.items() if k.startswith("GIT_")}
        order = {"root": str(root), "words": words, "files": files, "environment": own}
        stdin.write(json.dumps(order).encode() + b"\n")
        stdin.flush()
        return int(stdout.readline())

    def close(self) -> None:
        """End the process."""
        stdin, stdout = _pipes(self._process)
        stdin.close()
        self._process.wait()
        stdout.close()


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
