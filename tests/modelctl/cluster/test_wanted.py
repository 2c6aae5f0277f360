"""What git wants of an environment: bytes at the revision that Argo CD follows."""

from pathlib import Path

import pytest

from modelctl.cluster.wanted import compared, followed, wanted
from modelctl.errors import GitError
from modelctl.repo.kinds import GitSource
from scratch import commit, git, init
from tests.modelctl.cluster.scenes import (
    ENVIRONMENT,
    MODEL,
    application,
    deployment,
    route,
)
from tests.modelctl.cluster.scenes import wanted as of_objects

URL = "https://git.example.com/platform/models.git"
MAIN = GitSource(URL, "refs/heads/main")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one model in prod and one in staging."""
    own = of_objects(application(), route({"r1": 60, "r2": 40}), deployment("r1"), deployment("r2"))
    files = {**own.files, "apps/other/rendered/staging/httproute-other.yaml": b"a: 1\n"}
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    init(tmp_path)
    return tmp_path


def test_models(root: Path) -> None:
    """The models of the environment with their objects, weights and last commits."""
    found = wanted(root, ENVIRONMENT, MAIN)

    model = found.models[MODEL]
    assert [MODEL] == list(found.models)
    assert ({"digits-r1", "digits-r2"}, {"digits"}) == (
        set(model.deployments), set(model.routes),
    )  # fmt: skip
    assert model.served is not None
    assert {"r1": 60, "r2": 40} == model.served.weights
    assert ("models-vision", False) == (model.namespace, model.paused)
    assert found.commit == found.commits[MODEL]


def test_a_commit_counts_and_no_file_on_disk(root: Path) -> None:
    """What is not committed is nothing to Argo CD."""
    (root / "apps/digits/rendered/prod/httproute-digits.yaml").unlink()

    assert {MODEL} == set(wanted(root, ENVIRONMENT, MAIN).models)


def test_the_remote_branch_counts(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What was not pushed is nothing to Argo CD: the branch of its repository as fetched last."""
    clone = tmp_path_factory.mktemp("clone") / "models"
    git(root, "clone", "--quiet", str(root), str(clone))
    git(clone, "config", "user.name", "Test")
    git(clone, "config", "user.email", "test@example.com")
    pushed = git(clone, "rev-parse", "HEAD").strip()
    commit(clone, "apps/digits: Not pushed")

    found = wanted(clone, ENVIRONMENT, MAIN)

    assert ("refs/remotes/origin/main", pushed) == (found.ref, found.commit.id)


def test_the_remote_of_the_address_counts(root: Path) -> None:
    """Of several remotes the one with the address of the environments is meant."""
    for name, url in (("origin", "https://git.example.com/fork.git"), ("upstream", URL)):
        git(root, "remote", "add", name, url)
        git(root, "update-ref", f"refs/remotes/{name}/main", "HEAD")

    assert "refs/remotes/upstream/main" == followed(root, MAIN)


@pytest.mark.parametrize("revision", ["refs/tags/v1", "0" * 40])
def test_other_revisions(root: Path, revision: str) -> None:
    """A tag or a commit is what it says."""
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")

    assert revision == followed(root, GitSource(URL, revision))


def test_no_such_revision(root: Path) -> None:
    """A revision that is not here is told."""
    with pytest.raises(GitError, match="found no commit refs/heads/release"):
        wanted(root, ENVIRONMENT, GitSource(URL, "refs/heads/release"))


def test_compared(root: Path) -> None:
    """Of each revision that is an ancestor the models are known that have changed since."""
    first = git(root, "rev-parse", "HEAD").strip()
    (root / "apps/digits/rendered/prod/service-digits-r1.yaml").write_text("kind: Service\n")
    (root / "apps/other/rendered/staging/service-other-r1.yaml").write_text("kind: Service\n")
    second = commit(root)
    third = commit(root)
    others = {third, "b" * 40, "v1.2"}

    found = compared(root, ENVIRONMENT, second, {first, second, *others})

    assert others == found.elsewhere
    assert {(first, MODEL)} == found.changed
    assert {"b" * 40} == compared(root, ENVIRONMENT, second, {"b" * 40}).elsewhere
