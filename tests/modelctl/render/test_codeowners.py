"""CODEOWNERS: whose review a model's change asks for, and whose file it is."""

import pytest

from modelctl.render import codeowners
from modelctl.repo.kinds import GitSource
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from scratch import PROJECT


@pytest.mark.parametrize(
    ("url", "forge", "expected"),
    [
        ("https://github.com/acme/models.git", "github", "@acme/vision"),
        ("git@github.com:acme/models.git", "github", "@acme/vision"),
        ("https://gitlab.com/acme/ml/models.git", "gitlab", "@acme/ml/vision"),
        ("ssh://git@git.acme.io:2222/ml/models.git", None, "@ml/vision"),
        ("https://git.example.com/models.git", None, "@vision"),
    ],
)
def test_a_team_as_the_forge_names_it(url: str, forge: None, expected: str) -> None:
    """A team lies below the organisation or group that has the repository."""
    assert expected == codeowners.handle("vision", GitSource(url, "refs/heads/main", forge))


def test_every_model_has_its_line() -> None:
    """Each once, sorted, with its owner; a line for a model that is gone goes."""
    before = codeowners.text({"gone": "@x", "linear": "@x"})
    found = changed(before, None)

    assert "/apps/gone/" not in found
    assert "/apps/linear/ @platform/forecasting\n" in found
    assert sorted(found.splitlines()[1:]) == found.splitlines()[1:]


def test_one_model_changes_one_line() -> None:
    """The lines of other models are not looked at."""
    before = codeowners.text({"digits-cnn": "@x", "linear": "@x"})
    found = changed(before, ["linear"])

    assert "/apps/digits-cnn/ @x\n/apps/linear/ @platform/forecasting\n" in found


@pytest.mark.parametrize("text", ["* @me\n", ""])
def test_a_file_of_peoples_own(text: str) -> None:
    """It is theirs, and stays."""
    assert text == changed(text, None)


def changed(before: str, models: list[str] | None) -> str:
    """The file after a change, in this repository with another CODEOWNERS."""
    from modelctl.edit.overlay import OverlayTree  # noqa: PLC0415

    tree = OverlayTree(WorkTree(PROJECT), {codeowners.PATH: before.encode()})
    changes = codeowners.changes(tree, load(tree), models)
    return changes.get(codeowners.PATH, before.encode()).decode()
