"""Where a host of repositories shows a commit."""

from pathlib import Path

import pytest

from modelctl.local.observe.links import commits, followed_commits
from scratch import git, init


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://github.com/team/models.git", "https://github.com/team/models/commit/"),
        ("https://github.com/team/models/", "https://github.com/team/models/commit/"),
        ("git@github.com:team/models.git", "https://github.com/team/models/commit/"),
        ("ssh://git@github.com:22/team/models", "https://github.com/team/models/commit/"),
        ("git@gitlab.com:a/b/c.git", "https://gitlab.com/a/b/c/-/commit/"),
        ("https://me:secret@gitlab.example.com/a/b", "https://gitlab.example.com/a/b/-/commit/"),
        ("http://gitea.lan:3000/a/b.git", "http://gitea.lan:3000/a/b/commit/"),
        ("https://codeberg.org/a/b", "https://codeberg.org/a/b/commit/"),
        ("https://bitbucket.org/a/b", "https://bitbucket.org/a/b/commits/"),
    ],
)
def test_known_hosts(address: str, page: str) -> None:
    """The page of a commit follows from the address, whose password it does not have."""
    assert page == commits(address)


@pytest.mark.parametrize(
    "address",
    [
        "", ".", "/srv/models.git", "file:///srv/github.com/a/b", "https://git.example.com/a/b",
        "https://github.com/", "https://github.com/onlyone", "javascript:alert(1)//github.com/a/b",
        "https://github.com/a/<script>", 'https://github.com"onload=/a/b', "https://[github.com/a/b",
        "git@github.com:a/b c", "ext::sh -c github.com/a/b",
    ],
)  # fmt: skip
def test_others_are_not_guessed(address: str) -> None:
    """Where the host is not known, or the address is none, there is no link."""
    assert "" == commits(address)


def test_origin_of_a_folder(tmp_path: Path) -> None:
    """For a folder its remote `origin` counts; without one there is no link."""
    init(tmp_path)
    without = followed_commits(str(tmp_path))
    git(tmp_path, "remote", "add", "origin", "git@github.com:team/models.git")

    assert ("", "https://github.com/team/models/commit/") == (
        without,
        followed_commits(str(tmp_path)),
    )
