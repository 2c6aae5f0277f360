"""What `modelctl up` is asked for, and what follows from that before anything starts."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from modelctl.errors import GitError, UsageError
from modelctl.local.good import GoodStates
from modelctl.local.observe.links import followed_commits
from modelctl.local.plan.values import PlanError
from modelctl.local.source.artifacts import ArtifactExport
from modelctl.local.source.protocol import Source
from modelctl.local.source.reading import Reader
from modelctl.local.source.remote import Remote
from modelctl.local.source.repositories import FilesOnDisk, local_branch
from modelctl.local.state import StateFolder
from modelctl.local.timing import Timing
from modelctl.repo import git
from modelctl.status.values import Addresses

# A URL, or an address of SSH such as git@host:path.
_URL = re.compile(r"[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:")


@dataclass(frozen=True, slots=True)
class Options:
    """What to serve, and where.

    Attributes:
        repository: Path of a repository, or its URL.
        state: Folder for everything that is kept.
        environment: Which rendered objects to run.
        ref: Branch, tag or commit; by default the branch that is checked out.
        worktree: Run the files on disk instead of commits.
        port: Where predictions are answered; 0 takes a free one.
        status_port: Where the status page is; 0 takes a free one.
        announce: Called once everything listens.
        command: The model server, as a program with an absolute path and arguments.
        replace: Take over from the one that runs on the state folder, and lose no request.
    """

    repository: str
    state: Path
    environment: str = "local"
    ref: str | None = None
    worktree: bool = False
    port: int = 8080
    status_port: int = 8081
    announce: Callable[[Addresses], None] = lambda _: None
    command: Sequence[str] = (sys.executable, "-m", "modelserver")
    timing: Timing = field(default_factory=Timing)
    replace: bool = False


def reader_of(
    options: Options, folder: StateFolder, source: Source, good: GoodStates | None
) -> Reader:
    """What reads the environment, unless the repository says that it is none to run here.

    An environment that ran here before goes on with its last good state, whatever is said now.

    Raises:
        UsageError: This machine is not to run the environment; the message has those to choose.
    """
    has_run = bool(good and good.models)
    reader = Reader(source, options.environment, ArtifactExport(folder.files), is_local=has_run)
    if not has_run:
        with suppress(GitError):  # following tells it, again and again
            try:
                reader.require_local(source.known_revision())
            except PlanError as error:
                raise UsageError(f"--env {options.environment}: {error}") from error
    return reader


def source_of(options: Options, folder: StateFolder) -> Source:
    """The repository to follow."""
    path = Path(options.repository)
    if _URL.match(options.repository) and not path.exists():
        if options.worktree:
            raise UsageError("--worktree needs a repository on this machine, found a URL")
        every_s = options.timing.fetch_s
        return Remote(options.repository, options.ref, folder.mirror, every_s=every_s)
    if options.worktree:
        return FilesOnDisk(git.top_level(path))
    return local_branch(path.resolve(), options.ref, every_s=options.timing.follow_s)


def addresses_of(
    options: Options, folder: StateFolder, source: Source, port: int, page_port: int
) -> Addresses:
    """Where everything is, for whoever asks."""
    return Addresses(
        environment=options.environment,
        source=source.name,
        pid=os.getpid(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        traffic=f"http://127.0.0.1:{port}",
        page=f"http://127.0.0.1:{page_port}",
        state=str(folder.root),
        commits=followed_commits(options.repository),
    )
