"""Addresses at what serves the repository."""

import pytest

from modelctl.render.argocd.forge import addresses
from modelctl.repo.kinds import Forge, GitSource


@pytest.mark.parametrize(
    "url",
    [
        "https://git.acme.test/team/models.git",
        "https://git.acme.test/team/models",
        "ssh://git@git.acme.test:2222/team/models.git",
        "git@git.acme.test:team/models.git",
    ],
)
def test_every_form_of_address_leads_to_the_same_page(url: str) -> None:
    """However Argo CD reads the repository, people find it by https."""
    found = addresses(GitSource(url, "refs/heads/main", "gitea"))

    assert found is not None
    assert "https://git.acme.test/team/models/src/branch/main" == found.folders


@pytest.mark.parametrize(
    ("forge", "folders", "files"),
    [
        ("github", "tree/main", "blob/main"),
        ("gitlab", "-/tree/main", "-/blob/main"),
        ("gitea", "src/branch/main", "src/branch/main"),
    ],
)
def test_pages_of_each_forge(forge: Forge, folders: str, files: str) -> None:
    """A folder and a file are where that forge shows them."""
    found = addresses(GitSource("https://git.acme.test/a/b.git", "refs/heads/main", forge))

    assert found is not None
    assert f"https://git.acme.test/a/b/{folders}" == found.folders
    assert f"https://git.acme.test/a/b/{files}" == found.files


def test_githubs_own_api_is_elsewhere() -> None:
    """It has a host name of its own."""
    found = addresses(GitSource("git@github.com:a/b.git", "refs/heads/main", "github"))

    assert found is not None
    assert "https://api.github.com" == found.api


def test_a_port_of_https_is_kept() -> None:
    """People need it as well; that of ssh is no concern of theirs."""
    found = addresses(GitSource("https://git.acme.test:8443/a/b", "refs/heads/main", "gitea"))

    assert found is not None
    assert "https://git.acme.test:8443/api/v1" == found.api


def test_nothing_is_known_of_an_unnamed_forge() -> None:
    """Where nothing says what serves the repository, no address is made up."""
    assert addresses(GitSource("https://git.acme.test/a/b", "refs/heads/main")) is None
