"""The words about a name that is not known."""

import pytest

from modelctl.nearest import hint


@pytest.mark.parametrize(
    ("wrong", "known", "words"),
    [
        ("liner", ["digits-cnn", "linear"], "did you mean linear?"),
        ("LINEAR", ["digits-cnn", "linear"], "did you mean linear?"),
        ("zzz", ["digits-cnn", "linear"], "known: digits-cnn, linear"),
        ("zzz", [], "there is none yet"),
        ("zzz", map(str, range(20)), "known: 0, 1, 2, 3, 4, 5, 6, 7 and 12 more"),
    ],
)
def test_hint(wrong: str, known: list[str], words: str) -> None:
    """The nearest name whatever its case, or a few that are there, and how many more."""
    assert words == hint(wrong, known)


def test_another_way_to_find_out() -> None:
    """Where none is near, the caller may know better than a list."""
    assert "`modelctl rules` lists them" == hint(
        "zzz", ["a"], otherwise="`modelctl rules` lists them"
    )
