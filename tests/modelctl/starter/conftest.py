"""A repository of one's own, made once, and the program that made it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
CLUSTERS = (
    "--cluster-env", "staging,prod", "--hostname", "staging=models.staging.acme.test",
    "--hostname", "prod=models.acme.test", "--repository", "https://github.com/acme/models.git",
)  # fmt: skip


def modelctl(folder: Path, *words: str, exit_code: int = 0, **settings: str) -> str:
    """What the program prints on both streams in a folder, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "modelctl", *words],
        cwd=folder, env=os.environ | settings, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert exit_code == done.returncode, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session", autouse=True)
def identity() -> Iterator[None]:
    """Somebody who commits, also where git knows nobody."""
    with pytest.MonkeyPatch.context() as patch:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@models.test")
        yield


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository for a laptop alone; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("own") / "shop"
    modelctl(folder.parent, "init", "shop")
    return folder


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two environments of Argo CD; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("own") / "fleet"
    modelctl(folder.parent, "init", "fleet", *CLUSTERS)
    return folder
