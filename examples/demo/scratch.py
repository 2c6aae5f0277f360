"""Where the demo plays: a clone that it may change, a small disk for state, and their end."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
_BRANCH = "demo"
_DISK = "size=96m"  # several times what the engine keeps of four small models
_FILL_BYTES = (1 << 20, 4096)  # first fast, then to the last page
# Reads until the demo has ended, however that came; ends what is left, and clears up.
_TIDY = """
told=$(cat)
"$0" -m modelctl down --state "$1/state" >/dev/null 2>&1
umount --lazy "$1/state" 2>/dev/null
[ "$told" = keep ] || rm -rf "$1"
"""


class DemoError(Exception):
    """The story cannot go on; the message says where it stopped."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder with a clone of this repository, a store for artifacts, and an engine's state."""

    folder: Path

    @property
    def repository(self) -> Path:
        """The clone."""
        return self.folder / "repository"

    @property
    def store(self) -> Path:
        """A folder outside the repository, as an object store would be."""
        return self.folder / "store"

    @property
    def state(self) -> Path:
        """The engine's state folder."""
        return self.folder / "state"

    def create(self) -> None:
        """Clone the committed state of this repository."""
        self.store.mkdir()
        self.state.mkdir()
        clone = ["git", "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(self.repository)]
        subprocess.run(clone, check=True)
        for words in (
            ("checkout", "--quiet", "-B", _BRANCH),
            ("config", "user.name", "Demo"),
            ("config", "user.email", "demo@example.com"),
            ("config", "commit.gpgsign", "false"),
        ):
            self._git(*words)

    def mount(self) -> str:
        """Put the state folder on a disk of its own, a small one; gives why not, or ""."""
        words = ["mount", "-t", "tmpfs", "-o", _DISK, "none", str(self.state)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except OSError as error:
            return f"mount: {error.strerror}"
        return " ".join(done.stderr.split()) if done.returncode else ""

    def fill(self) -> None:
        """Leave no free byte on the disk of the state folder."""
        for size in _FILL_BYTES:
            with suppress(OSError), self._filler.open("ab", buffering=0) as filler:
                while filler.write(b"\0" * size):
                    pass

    def free_bytes(self) -> int:
        """What is free on the disk of the state folder."""
        return shutil.disk_usage(self.state).free

    def empty(self) -> None:
        """Undo `fill`."""
        self._filler.unlink()

    async def git(self, *words: str) -> str:
        """Standard output of a git command in the clone."""
        return await asyncio.to_thread(self._git, *words)

    async def revert(self, *commits: str) -> float:
        """Revert commits; the monotonic time of the last commit."""
        await self.git("revert", "--no-edit", *commits)
        return self._committed()

    async def modelctl(self, *words: str) -> float:
        """Run an editing command with --commit; the monotonic time at which it had committed.

        Raises:
            DemoError: It fails.
        """
        done = await asyncio.to_thread(self._run, *words, "--commit")
        if done.returncode:
            raise DemoError(f"modelctl {' '.join(words)}: {done.stdout}{done.stderr}")
        return self._committed()

    async def is_clean(self) -> bool:
        """Whether `modelctl check` finds no error."""
        return (await asyncio.to_thread(self._run, "check")).returncode == 0

    async def edit(self, path: str, old: str, new: str, message: str) -> None:
        """Commit a change as a careless person would: by hand, without a check.

        Raises:
            DemoError: There is nothing to change.
        """
        file = self.repository / path
        text = file.read_text(encoding="utf-8")
        if old not in text:
            raise DemoError(f"{path}: found no {old!r}")
        file.write_text(text.replace(old, new), encoding="utf-8")
        await self.git("commit", "--quiet", "--all", "--message", message)

    def keep_logs(self) -> None:
        """Save what the processes have said from the disk that goes away."""
        with suppress(FileNotFoundError):  # there was no engine yet
            shutil.copytree(self.state / "logs", self.folder / "logs", dirs_exist_ok=True)

    @property
    def _filler(self) -> Path:
        return self.state / "filler"

    def _git(self, *words: str) -> str:
        command = ["git", "-C", str(self.repository), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoError(f"git {' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "modelctl", *words]
        return subprocess.run(
            command, cwd=self.repository, capture_output=True, text=True, check=False
        )

    def _committed(self) -> float:
        """When the branch moved last: then git had the commit, whatever the command did after."""
        moved = (self.repository / ".git" / "refs" / "heads" / _BRANCH).stat().st_mtime
        return time.monotonic() - (time.time() - moved)


def new_scratch() -> Scratch:
    """A scratch folder below the system's temporary folder."""
    return Scratch(Path(tempfile.mkdtemp(prefix="modelctl-demo-")).resolve())


class Tidying:
    """A process beside the demo that clears up after it, even if the demo is killed."""

    def __init__(self, scratch: Scratch) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _TIDY, sys.executable, str(scratch.folder)],
            cwd="/",
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the demo alone
        )

    def finish(self, *, keep: bool) -> None:
        """Clear up now; `keep` leaves the folder for a look."""
        self._process.communicate(b"keep" if keep else b"")
