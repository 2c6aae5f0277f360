"""A process gets the environment that the kubelet would give it."""

from hypothesis import given
from hypothesis import strategies as st

from modelctl.local.plan.expansion import expanded
from tests.modelctl.render.v2 import kubelet

TEXTS = st.text("$()AB", max_size=12)
VARIABLES = st.lists(st.tuples(st.sampled_from(["A", "B", "AB"]), TEXTS), max_size=4)


@given(written=VARIABLES)
def test_variables_are_expanded_as_the_kubelet_does(written: list[tuple[str, str]]) -> None:
    """References to what is written before, to nothing, unclosed ones and doubled signs."""
    assert tuple(kubelet.environment(written)) == expanded(written)


def test_what_is_doubled_stands_for_itself() -> None:
    """A value that is to be taken as it is, is."""
    assert (("A", "x"), ("B", "$(A)"), ("C", "x")) == expanded(
        [("A", "x"), ("B", "$$(A)"), ("C", "$(A)")]
    )
