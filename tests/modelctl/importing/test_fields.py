"""Fields of a manifest: what is taken, what is left, what is refused."""

import pytest

from modelctl.errors import UsageError
from modelctl.importing.fields import Fields
from modelctl.importing.found import Left, left_behind


def test_what_nobody_took_is_left_with_its_path() -> None:
    """A field is left unless it was taken, at whatever depth and in whatever list."""
    fields = Fields({"a": {"b": 1, "c": [{"d": 2}, {"d": 3}]}, "e": "x", "f": None})

    fields.within("a").take("b")
    fields.within("a").every("c")[1].take("d")

    assert ["a.c[0].d", "e"] == fields.left()


def test_a_field_of_another_kind_is_refused_with_its_path() -> None:
    """The message names field, value and what was expected."""
    fields = Fields({"a": {"replicas": "two"}})

    with pytest.raises(UsageError, match=r"^a\.replicas: found 'two', expected a whole number$"):
        fields.within("a").integer("replicas")


@pytest.mark.parametrize("value", [True, [1], {"x": 1}])
def test_neither_truth_nor_list_nor_mapping_is_a_number(value: object) -> None:
    """YAML gives all three where a template went wrong."""
    with pytest.raises(UsageError, match="expected a whole number"):
        Fields({"n": value}).integer("n")


def test_digits_in_quotes_are_a_number() -> None:
    """Annotations of Kubernetes are text, and templates quote numbers."""
    assert 12 == Fields({"n": "12"}).integer("n")


def test_one_reason_makes_one_line() -> None:
    """All that lies below a known part is told once; the longest known part decides."""
    paths = ["spec.pod.env[0].name", "spec.pod.env[0].value", "spec.pod.image", "spec.x"]

    left = left_behind(paths, {"pod": "rendered", "pod.env": "settings"})

    assert [
        Left("spec.pod.env", "settings"),
        Left("spec.pod", "rendered"),
        Left("spec.x", "nothing here is like it"),
    ] == left
