"""The last commit of each model, in one pass: the same as git gives for each alone."""

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.errors import GitError
from modelctl.repo import git as repo_git
from modelctl.repo.touched import last_commits
from scratch import commit, git, init

MODELS = ("a", "b", "c")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with three models that one commit brought, and another after it."""
    for model in MODELS:
        touch(tmp_path, model)
    init(tmp_path)
    touch(tmp_path, "a", "second")
    commit(tmp_path, "apps/a: Change")
    return tmp_path


def touch(root: Path, model: str, text: str = "first", name: str = "model.yaml") -> None:
    """Write a file of a model."""
    path = root / "apps" / model / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def of_each(root: Path, models: tuple[str, ...] = MODELS) -> dict[str, str]:
    """What git says of each model alone."""
    told = {m: git(root, "log", "-1", "--format=%H", "HEAD", "--", f"apps/{m}") for m in models}
    return {model: words.strip() for model, words in told.items() if words}


def found(root: Path, **words: int) -> dict[str, str]:
    """What one pass finds."""
    commits = last_commits(root, "HEAD", MODELS, limit=words.get("limit"))
    return {model: each.id for model, each in commits.items()}


def test_every_model_is_found(repo: Path) -> None:
    """Each has the commit that touched it last, with author, time and subject."""
    told = last_commits(repo, "HEAD", MODELS)

    assert of_each(repo) == {model: each.id for model, each in told.items()}
    assert repo_git.describe(repo, "HEAD") == told["a"]


def test_a_model_that_never_was(repo: Path) -> None:
    """Of a model without any commit nothing is found."""
    assert {} == last_commits(repo, "HEAD", ["nobody"])


def test_a_bound(repo: Path) -> None:
    """After so many commits, what has not been found is left out."""
    assert ["a"] == list(found(repo, limit=1))


def test_stopped(repo: Path) -> None:
    """Whoever stops it gets what is there so far."""
    assert {} == last_commits(repo, "HEAD", MODELS, stopped=lambda: True)


def test_a_merge_shows_who_made_the_change(repo: Path) -> None:
    """A change that a merge brought is the commit's of the branch, not the merge's."""
    git(repo, "switch", "--quiet", "--create", "side")
    touch(repo, "b", "side")
    made = commit(repo, "apps/b: Change")
    git(repo, "switch", "--quiet", "main")
    touch(repo, "c", "main")
    commit(repo, "apps/c: Change")
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", "side")

    assert made == found(repo)["b"]
    assert of_each(repo) == found(repo)


def test_strange_words(repo: Path) -> None:
    """Names and subjects that look like something else are taken as they are."""
    git(repo, "config", "user.name", "apps/b")
    touch(repo, "b", "x", "naïve\nname.yaml")
    commit(repo, "apps/a: ")

    assert of_each(repo) == found(repo)
    assert "apps/b" == last_commits(repo, "HEAD", ["b"])["b"].author


def test_no_such_revision(repo: Path) -> None:
    """A revision that is not there is an error with git's words."""
    with pytest.raises(GitError, match="nowhere"):
        last_commits(repo, "nowhere", MODELS)


def history(root: Path, seed: int) -> None:
    """Make a history of branches, merges, conflicts, removals and reverts."""
    chance = random.Random(seed)  # noqa: S311 - a story, no secret
    for number in range(chance.randint(3, 12)):
        kind = chance.choice(["change", "change", "remove", "branch", "merge", "back"])
        if kind == "change":
            touch(root, chance.choice(MODELS), chance.choice("xyz"), chance.choice(["p", "q"]))
            commit(root, f"apps: Change {number}")
        elif kind == "remove":
            git(root, "rm", "-r", "--quiet", "--ignore-unmatch", f"apps/{chance.choice(MODELS)}")
            commit(root, f"apps: Remove {number}")
        elif kind == "branch":
            git(root, "switch", "--quiet", "--force-create", "side")
        elif kind == "back":
            git(root, "switch", "--quiet", "main")
        else:
            ours = chance.choice(["ours", "theirs"])
            other = "side" if git(root, "branch", "--show-current").strip() == "main" else "main"
            if git(root, "branch", "--list", other):
                words = ("--no-ff", "--no-edit", "--strategy-option", ours, other)
                merge(root, *words)


def merge(root: Path, *words: str) -> None:
    """Merge, and take what lies there where that is a conflict."""
    try:
        git(root, "merge", "--quiet", *words)
    except subprocess.CalledProcessError:  # a removal against a change: take what lies there
        commit(root, "apps: Settle")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_any_history(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Whatever was branched, merged, removed and brought back, it is what git says of each."""
    root = tmp_path_factory.mktemp("history")
    init(root)
    for model in MODELS:
        touch(root, model)
        commit(root, f"apps/{model}: Begin")
    history(root, seed)

    assert of_each(root) == found(root)
