"""Who got the traffic in the past: by what was applied, and else by what was asked for."""

from pathlib import Path

import pytest

from modelctl.edit import past
from scratch import PROJECT, init

PAIR = ("digits-cnn", "prod")
SERVING = "apps/digits-cnn/envs/prod.yaml"
ROUTE = "apps/digits-cnn/rendered/prod/httproute-digits-cnn.yaml"
TYPED, RENDERED = (PROJECT / SERVING).read_text(), (PROJECT / ROUTE).read_text()
WITHOUT_STABLE = RENDERED.replace("    app.kubernetes.io/version: r1\n", "")
MORE = "stable: r1\nweights: {r1: 90, r2: 10, r3: 0}\n"
OTHER = "stable: r2\nweights: {r1: 95, r2: 5}\n"
WARM = "stable: r1\nweights: {r1: 95, r2: 5, r3: 0}\n"
BROKEN = "stable: [r1\n"
APPLIED = {"r1": 95, "r2": 5}

Told = tuple[str, dict[str, int], bool]


@pytest.mark.parametrize(
    ("typed", "route", "expected"),
    [
        (TYPED, RENDERED, ("r1", APPLIED, True)),
        (WARM, RENDERED, ("r1", APPLIED, True)),
        (MORE, RENDERED, ("r1", APPLIED, False)),
        (OTHER, RENDERED, ("r1", APPLIED, False)),
        (BROKEN, RENDERED, ("r1", APPLIED, False)),
        ("", RENDERED, ("r1", APPLIED, False)),
        (OTHER, WITHOUT_STABLE, ("r2", APPLIED, True)),
        (BROKEN, WITHOUT_STABLE, None),
        (OTHER, "", ("r2", APPLIED, False)),
        (BROKEN, "", None),
    ],
)
def test_what_is_applied_counts(
    typed: str, route: str, expected: Told | None, tmp_path: Path
) -> None:
    """The route says who got what; the serving file only where the route does not."""
    for path, text in ((SERVING, typed), (ROUTE, route)):
        (tmp_path / path).parent.mkdir(parents=True)
        if text:
            (tmp_path / path).write_text(text)
    init(tmp_path)

    found = [(s.stable, s.weights, s.is_as_typed) for s in past.past(tmp_path, PAIR)]
    assert ([expected] if expected else []) == found


def test_shares_are_of_those_that_get_any() -> None:
    """A release at 0 has no share, and one at 1 has."""
    assert {"r1": 99, "r2": 1} == past.shares({"r1": 99, "r2": 1, "r3": 0})
