"""A tree under an edit: what it lists, and what it has."""

import pytest

from modelctl.edit.overlay import Changes, OverlayTree, differing
from modelctl.errors import TreeError
from modelctl.repo.tree import WorkTree
from scratch import PROJECT

BASE = PROJECT / "tests" / "modelctl" / "check" / "rules" / "base"
MODEL, PROD = "apps/linear/model.yaml", "apps/linear/envs/prod.yaml"


def over(changes: Changes) -> OverlayTree:
    """The example repository of the rules, under an edit."""
    return OverlayTree(WorkTree(BASE), changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("envs", "model.yaml", "releases")),
        ({MODEL: None}, ("envs", "releases")),
        ({MODEL: b"x\n"}, ("envs", "model.yaml", "releases")),
        ({PROD: None}, ("envs", "model.yaml", "releases")),
        (dict.fromkeys(WorkTree(BASE).below("apps/linear/envs")), ("model.yaml", "releases")),
        (
            {"apps/linear/rendered/prod/x.yaml": b"x\n"},
            ("envs", "model.yaml", "releases", "rendered"),
        ),
        ({"apps/other/model.yaml": b"x\n"}, ("envs", "model.yaml", "releases")),
    ],
    ids=["none", "remove", "replace", "remove-one-of-two", "empty", "add", "beside"],
)
def test_names_below_a_folder(changes: Changes, expected: tuple[str, ...]) -> None:
    """A name is there as long as anything below it is."""
    assert expected == over(changes).names("apps/linear")


def test_what_is_added_is_listed_where_it_lies() -> None:
    """A new file is among the entries, and below its own folder alone."""
    added = "apps/linear/rendered/prod/x.yaml"
    tree, base = over({added: b"x\n", "docs/x.md": b"x\n"}), WorkTree(BASE)

    assert {*base.entries, added} == {*tree.entries}
    assert {*base.below("apps/linear"), added} == {*tree.below("apps/linear")}
    assert {*base.below("apps/digits")} == {*tree.below("apps/digits")}


def test_a_removed_file_cannot_be_read() -> None:
    """What an edit removes is neither an entry nor bytes; what it writes is both."""
    tree = over({MODEL: None, PROD: b"12345"})

    assert tree.entry(MODEL) is None
    with pytest.raises(TreeError, match="removed by this edit"):
        tree.read(MODEL)
    entry = tree.entry(PROD)
    assert entry is not None
    assert 5 == entry.size_bytes
    assert b"12345" == tree.read(PROD)


def test_only_what_differs_is_a_change() -> None:
    """A file as it is, or absent as it is, is left out of an edit."""
    tree = WorkTree(BASE)
    same = {MODEL: tree.read(MODEL), "apps/linear/none.yaml": None}

    assert {PROD: None} == differing(tree, same | {PROD: None})
