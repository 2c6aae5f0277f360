"""Which fields differ, and how they are called and shown."""

from typing import Any

import pytest

from modelctl.check.fields import differing, named, shown


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 1}}, [("a", "b")]),
        ({"a": [{"b": 1}, 2]}, {"a": [{"b": 2}, 2]}, [("a", 0, "b")]),
        ({"a": [1]}, {"a": [1, 2]}, [("a",)]),
        ({"a": 1}, {"b": 1}, [("b",), ("a",)]),
        ({"a": 1}, {"a": True}, [("a",)]),
        ({"a": 1}, {"a": 1.0}, [("a",)]),
        ({"a": {"b": 1}}, {"a": "b"}, [("a",)]),
        (None, {"a": 1}, [()]),
    ],
)
def test_the_deepest_differences(before: object, after: object, expected: list[Any]) -> None:
    """Order does not count, types do, and a list of another length is another as a whole."""
    assert expected == list(differing(before, after))


def test_a_field_is_named_as_people_write_it() -> None:
    """Keys are joined by dots, items of lists stand in brackets."""
    assert "graph.inputs[0].shape" == named(("graph", "inputs", 0, "shape"))


@pytest.mark.parametrize(
    ("at", "expected"),
    [(("a", 0), "1"), (("b",), '"x"'), (("c", "d"), "none"), (("b", "d"), "none")],
)
def test_a_value_is_shown_as_it_is_written(at: Any, expected: str) -> None:  # noqa: ANN401 - a pointer
    """What is not there is called none."""
    assert expected == shown({"a": [1], "b": "x"}, at)
