"""What main has had of a release: by content, and only where it was deployed."""

from pathlib import Path

import pytest

from modelctl.repo import history
from modelctl.repo.identity import release_identity
from scratch import commit, git, init

PAIR = ("linear", "prod")
SERVING = "apps/linear/envs/prod.yaml"
RELEASE = "apps/linear/releases/r1.yaml"
DEPLOYMENT = "apps/linear/rendered/prod/deployment-linear-r1.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with nothing in it."""
    init(tmp_path)
    return tmp_path


def put(root: Path, **texts: str) -> None:
    """Commit the release, its weight and its Deployment, as far as they are given."""
    paths = {"release": RELEASE, "weight": SERVING, "deployment": DEPLOYMENT}
    for name, text in texts.items():
        file = root / paths[name]
        file.parent.mkdir(parents=True, exist_ok=True)
        content = f"stable: r1\nweights: {{r1: {text}}}\n" if name == "weight" else text
        file.write_text(content)
    commit(root)


def test_where_what_is_applied_lies() -> None:
    """A model's applied files in an environment are its rendered folder and its Application."""
    expected = ("apps/linear/rendered/prod", "argocd/applications/prod/linear.yaml")

    assert expected == history.generated_paths_of(PAIR)


def test_a_state_has_no_file_that_came_later(root: Path) -> None:
    """Back in time, a file that a commit added is gone, and one that it removed is there."""
    put(root, release="threads: 1\n")
    put(root, deployment="one")
    (root / RELEASE).unlink()
    commit(root)

    found = [set(state.blobs) for state in history.states(root, "HEAD", "apps")]
    assert [{DEPLOYMENT}, {RELEASE, DEPLOYMENT}, {RELEASE}] == found


def test_nothing_applied_is_as_before_the_first_that_was(root: Path) -> None:
    """Where nothing is applied any more, the former state is that before the model came."""
    put(root, deployment="one")
    first = git(root, "rev-parse", "HEAD").strip()
    put(root, deployment="two")

    found = history.former(root, "HEAD", PAIR, {})
    assert found is not None
    assert first == found.id


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]\n", "stable: [r1]\nweights: {r1: 100}\n", "stable: r1\nweights: [r1]\n"),
        *("stable: r1\n", "stable: r1\nweights: {r1: 1.5}\n", "weights: {r1: 100}\n"),
        "stable: r1\nweights: {r1: 99, r1: 100}\n",
    ],
)
def test_what_a_serving_file_asked_for_is_certain_or_nothing(content: str) -> None:
    """A file that says no traffic for certain asked for none."""
    assert history.asked_for(SERVING, content.encode()) is None


def test_the_most_weight_is_that_of_the_content(root: Path) -> None:
    """A file that was edited is another release, whatever the weight of its number was."""
    put(root, release="threads: 1\n", weight="40", deployment="one")
    put(root, weight="90")
    put(root, release="threads: 2\n", weight="5", deployment="two")

    expected = {release_identity(b"threads: 1\n"): 90, release_identity(b"threads: 2\n"): 5}
    assert expected == history.most_traffic(root, PAIR)


def test_a_weight_that_was_never_rendered_did_not_serve(root: Path) -> None:
    """What only the serving file said had no traffic."""
    put(root, release="threads: 1\n", weight="100")

    assert {} == history.most_traffic(root, PAIR)


def test_a_release_comes_down_to_what_it_was_on_main(root: Path) -> None:
    """Every content that the file had on the main line, and none of a branch that was left."""
    put(root, release="threads: 1\n")
    put(root, release="threads: 2\n")
    git(root, "switch", "--quiet", "--create", "side")
    put(root, release="threads: 3\n")
    git(root, "switch", "--quiet", "main")
    (root / RELEASE).unlink()
    commit(root)

    found = history.release_identities(root, "linear", "r1")
    assert {release_identity(b"threads: 1\n"), release_identity(b"threads: 2\n")} == found


@pytest.mark.parametrize(
    "other",
    [
        "threads: 1  # seen\n",
        "provenance: {trained_from: run 7}\nthreads: 1\n",
        "{threads: 1, provenance: {}}\n",
    ],
)
def test_comments_layout_and_provenance_make_no_other_release(other: str) -> None:
    """What a release comes down to is its bits and settings."""
    assert release_identity(b"threads: 1\n") == release_identity(other.encode())


@pytest.mark.parametrize("other", ["threads: 2\n", "threads: [\n", "[]\n", ""])
def test_other_settings_are_another_release(other: str) -> None:
    """A file that cannot be read is none but itself."""
    assert release_identity(b"threads: 1\n") != release_identity(other.encode())
