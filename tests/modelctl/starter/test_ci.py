"""The jobs of a new repository's CI: their scripts run as they stand, against fake forges."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from modelctl.__main__ import COMMANDS
from scratch import PROJECT, commit, git
from tests.modelctl.starter.conftest import modelctl

MARK = "<!-- modelctl diff -->"
KEY = "of-a-project"
TYPED = "argocd/teams.yaml"


@pytest.fixture(scope="module")
def origin(clusters: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as a forge has it: `main`, and `web`, where one typed file was edited."""
    folder = tmp_path_factory.mktemp("forge")
    git(folder, "clone", "--quiet", str(clusters), "work")
    work = folder / "work"
    for key, value in (("user.name", "Test"), ("user.email", "test@models.test")):
        git(work, "config", key, value)
    git(work, "switch", "--quiet", "--create", "web")
    teams = (work / TYPED).read_text()
    (work / TYPED).write_text(teams.replace("groups: [models]", "groups: [ml, models]"))
    commit(work, "argocd: Let ml in")
    git(folder, "clone", "--quiet", "--bare", "work", "origin.git")
    return folder / "origin.git"


@pytest.fixture
def work(origin: Path, tmp_path: Path) -> Path:
    """A checkout of the branch `web`, as CI makes one, of an origin of its own."""
    shutil.copytree(origin, tmp_path / "origin.git")
    git(tmp_path, "clone", "--quiet", "--branch", "web", str(tmp_path / "origin.git"), "work")
    return tmp_path / "work"


def script(work: Path, job: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the last step of a job of GitHub's as the runner does."""
    told = yaml.safe_load((work / ".github/workflows/models.yaml").read_text())
    return bash(work, told["jobs"][job]["steps"][-1]["run"], BASE="main", **settings)


def bash(work: Path, text: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a script with the programs of this environment, and with a `gh` that says what it got."""
    tools = work.parent / "tools"
    tools.mkdir(exist_ok=True)
    gh = tools / "gh"
    gh.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> {tools}/said\ncat {tools}/found 2>&- || true\n'
    )
    gh.chmod(0o755)
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path} | settings
    words = ["bash", "-e", "-o", "pipefail", "-c", text]
    return subprocess.run(
        words, cwd=work, env=environment, capture_output=True, text=True, check=False
    )


def test_the_rendered_commit_is_offered(work: Path) -> None:
    """Where only a typed file was edited, the branch gets a commit with what follows from it."""
    done = script(work, "render", HEAD="web")
    origin = work.parent / "origin.git"

    assert 0 == done.returncode, done.stdout + done.stderr
    changed = git(origin, "show", "--format=%s", "--name-only", "web").split("\n")
    assert "apps: Render" == changed[0]
    assert "argocd/projects/prod/models.yaml" in changed
    assert TYPED not in changed
    said = (work.parent / "tools" / "said").read_text()
    assert "workflow run models.yaml --ref web --field base=main\n" == said
    assert "" == modelctl(work, "render", "--check")


def test_nothing_is_offered_twice(work: Path) -> None:
    """Once the generated files are there, nothing is pushed and nothing started."""
    script(work, "render", HEAD="web")
    before = git(work, "rev-parse", "HEAD")
    (work.parent / "tools" / "said").unlink()
    done = script(work, "render", HEAD="web")

    assert 0 == done.returncode, done.stderr
    assert before == git(work, "rev-parse", "HEAD")
    assert not (work.parent / "tools" / "said").exists()


def test_what_was_edited_by_hand_is_not_overwritten(work: Path) -> None:
    """A generated file that somebody edited is named, and nothing is pushed."""
    project = work / "argocd/projects/prod/models.yaml"
    project.write_text(project.read_text() + "# mine\n")
    for key, value in (("user.name", "Test"), ("user.email", "test@models.test")):
        git(work, "config", key, value)
    commit(work, "argocd: Add a line")
    done = script(work, "render", HEAD="web")

    assert 1 == done.returncode
    assert "edited by hand since origin/main" in done.stderr
    assert "argocd/projects/prod/models.yaml" in done.stderr
    assert "" == git(work, "status", "--porcelain")


@pytest.mark.parametrize(("found", "method"), [("", "POST"), ("17\n23\n", "PATCH")])
def test_the_comment_on_github(found: str, method: str, work: Path) -> None:
    """The first push writes a comment, the next ones replace it."""
    tools = work.parent / "tools"
    tools.mkdir()
    (tools / "found").write_text(found)
    summary = work.parent / "summary.md"
    settings = {"GITHUB_REPOSITORY": "acme/models", "NUMBER": "5"}
    done = script(work, "effect", GITHUB_STEP_SUMMARY=str(summary), **settings)

    assert 0 == done.returncode, done.stdout + done.stderr
    said = (tools / "said").read_text().splitlines()
    place = "issues/comments/17" if found else "issues/5/comments"
    assert (
        f"api --silent --method {method} repos/acme/models/{place} -F body=@comment.md" == said[-1]
    )
    assert summary.read_text().startswith(MARK)


@contextmanager
def gitlab(notes: list[dict[str, Any]]) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """A GitLab that has these notes, and what it is asked to write."""
    asked: list[tuple[str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(json.dumps(notes))

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["content-length"])).decode()
            asked.append((self.command, self.path, parse_qs(form)["body"][0]))
            self.answer("{}")

        do_PUT = do_POST  # noqa: N815 - the name that http.server looks for

        def answer(self, text: str) -> None:
            self.send_response(200 if self.headers["private-token"] == KEY else 401)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api/v4", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([{"id": 3, "body": "Nice."}], ("POST", "/api/v4/projects/9/merge_requests/5/notes")),
        ([{"id": 3, "body": "Nice."}, {"id": 7, "body": f"{MARK}\nold"}],
         ("PUT", "/api/v4/projects/9/merge_requests/5/notes/7")),
    ],
)  # fmt: skip
def test_the_comment_on_gitlab(
    notes: list[dict[str, Any]], expected: tuple[str, str], work: Path
) -> None:
    """The first push writes a note, the next ones replace it; other people's stay."""
    with gitlab(notes) as (url, asked):
        done = bash(
            work, job(work, "effect"), BASE="origin/main", CI_API_V4_URL=url, CI_PROJECT_ID="9",
            CI_MERGE_REQUEST_IID="5", MODELCTL_TOKEN=KEY,
        )  # fmt: skip

    assert 0 == done.returncode, done.stdout + done.stderr
    assert [expected] == [each[:2] for each in asked]
    assert asked[0][2].startswith(MARK)


def test_gitlab_without_a_token(work: Path) -> None:
    """The rendered commit is a patch that can be applied, and the job says so."""
    done = bash(work, job(work, "render"), BASE="origin/main", CI_COMMIT_SHA="HEAD")
    patch = work.parent / "rendered.patch"
    shutil.move(work / "rendered.patch", patch)
    git(work, "switch", "--quiet", "web")
    for key, value in (("user.name", "Test"), ("user.email", "test@models.test")):
        git(work, "config", key, value)
    git(work, "am", "--quiet", str(patch))

    assert 1 == done.returncode
    assert "rendered.patch" in done.stdout
    assert "" == modelctl(work, "render", "--check")


def job(work: Path, name: str) -> str:
    """The script of a job of GitLab's."""
    told = yaml.safe_load((work / ".gitlab-ci.yml").read_text())
    return "\n".join(told[name]["script"])


def test_hooks_run_commands_that_are_there(laptop: Path) -> None:
    """Each hook before a commit, ours for others and the new repository's own, is a command."""
    ours = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text())
    own = yaml.safe_load((laptop / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    named = [hook["entry"].split() for hook in (*ours, *own)]

    assert ["modelctl"] * 3 == [words[0] for words in named]
    assert {words[1] for words in named} <= set(COMMANDS)
