"""`modelctl up` on other sources: a URL, another branch, files on disk."""

from pathlib import Path

from engine_kit import Repo, running
from scratch import git


def test_url(own_repo: Repo, tmp_path: Path) -> None:
    """A repository behind a URL is followed through a mirror in the state folder."""
    url = f"file://{own_repo.root}"
    with running(url, tmp_path / "state") as up:
        status = up.until_well()
        assert f"refs/heads/main of {url}" == status["addresses"]["source"]
        up.until_well(own_repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2"))

        assert "r2" == up.release({"x-model-release": "r2"})


def test_branch(own_repo: Repo, tmp_path: Path) -> None:
    """Another branch is followed by name, and commits to the one checked out mean nothing."""
    git(own_repo.root, "branch", "production")
    with running(own_repo.root, tmp_path / "state", "--ref", "production") as up:
        before = up.until_well()["synced"]["id"]
        shifted = own_repo.serve({"r1": 0, "r2": 100}, stable="r2").commit(
            "apps/linear: Promote r2"
        )
        assert before == up.status()["synced"]["id"]

        git(own_repo.root, "branch", "--force", "production", shifted)
        up.until_well(shifted)
        assert "r2" == up.release()


def test_files_on_disk(own_repo: Repo, tmp_path: Path) -> None:
    """With `--worktree` an edit is served without a commit."""
    with running(own_repo.root, tmp_path / "state", "--worktree") as up:
        up.until_well()
        own_repo.serve({"r1": 0, "r2": 100}, stable="r2")
        up.until(lambda s: s["well"] and up.release() == "r2")

        assert "files on disk, not committed" == up.status()["synced"]["subject"]
