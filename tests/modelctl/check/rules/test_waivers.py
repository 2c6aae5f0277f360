"""Waivers: who answers for a finding, until which day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from modelctl.check.engine import check, check_model, errors
from modelctl.finding import Level
from modelctl.repo.loading import load

FixtureTree = Callable[[str], Any]

SERVING = "apps/digits/envs/prod.yaml"
FAULT = b"target: 150"
WAIVER = b"# modelctl: waive target-reachable until 2026-06-30: measured by hand\n"
LAST_DAY, DAY_AFTER = date(2026, 6, 30), date(2026, 7, 1)


def waived(fixture_tree: FixtureTree, waiver: bytes) -> Any:  # noqa: ANN401 - a tree of the fixture
    """The base with a target that no pod reaches, and a waiver above it."""
    tree = fixture_tree("base")
    text = tree.files[SERVING].replace(b"target: 70", FAULT)
    return replace(tree, files=tree.files | {SERVING: waiver + text})


def levels(tree: Any, today: date) -> dict[str, Level]:  # noqa: ANN401 - as above
    """Level by rule of what is found on a day, but for stale rendered files."""
    found = check(load(tree), today=today)
    return {each.rule: each.level for each in found if not each.rule.startswith("rendered")}


def test_a_waiver_makes_a_note_until_its_day_is_over(fixture_tree: FixtureTree) -> None:
    """On the last day it counts; a day later the finding refuses again, and the waiver is told."""
    tree = waived(fixture_tree, WAIVER)

    assert {"target-reachable": Level.NOTE} == levels(tree, LAST_DAY)
    assert {"target-reachable": Level.ERROR, "waiver-needed": Level.WARNING} == levels(
        tree, DAY_AFTER
    )


def test_a_waiver_is_of_its_file_and_rule_alone(fixture_tree: FixtureTree) -> None:
    """A waiver of another rule changes nothing, and is told as unused."""
    tree = waived(fixture_tree, WAIVER.replace(b"target-reachable", b"max-live-releases"))

    assert {"target-reachable": Level.ERROR, "waiver-needed": Level.WARNING} == levels(
        tree, LAST_DAY
    )


def test_a_model_that_serves_does_not_end_because_a_day_has_passed(
    fixture_tree: FixtureTree,
) -> None:
    """What serves models asks no calendar: a waiver counts as long as it stands there."""
    old = WAIVER.replace(b"2026-06-30", b"2020-01-01")
    repository = load(waived(fixture_tree, old))
    refused = errors(check_model(repository.model("digits")))

    assert "target-reachable" not in {finding.rule for finding in refused}
