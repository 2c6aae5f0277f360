"""Whatever is in the files, checking ends with findings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.check.change import Change
from modelctl.check.engine import check, check_tree
from modelctl.check.rules import RULES
from modelctl.repo.loading import load

FixtureTree = Callable[[str], Any]  # of a tree whose files can be replaced
RULES_TESTS = Path(__file__).parent
IDS = {rule.ID for rule in RULES}
JUNK = st.sampled_from(
    [b"", b"null", b"[]", b"{}", b"-1", b"0", b"1.5", b"9" * 18, b"true", b"'x'", b'"\\0"', b"r1"]
) | st.binary(max_size=4)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_any_edit_is_checked(fixture_tree: FixtureTree, data: st.DataObject) -> None:
    """One token of one file replaced by anything gives findings of known rules, never an error."""
    tree = fixture_tree("base")
    path = data.draw(st.sampled_from(sorted(tree.files)))
    tokens = tree.files[path].split(b" ")
    at = data.draw(st.integers(0, len(tokens) - 1))
    edited = b" ".join([*tokens[:at], data.draw(JUNK), *tokens[at + 1 :]])
    findings = check_tree(replace(tree, files=tree.files | {path: edited}))

    assert {finding.rule for finding in findings} <= IDS


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(data=st.data())
def test_any_change_is_checked(
    fixture_tree: FixtureTree, change_between: Callable[[Any, Any], Change], data: st.DataObject
) -> None:
    """One token of a file, generated ones too, that becomes or was anything gives findings."""
    base = fixture_tree("base")
    path = data.draw(st.sampled_from(sorted(base.files)))
    tokens = base.files[path].split(b" ")
    at = data.draw(st.integers(0, len(tokens) - 1))
    edited = b" ".join([*tokens[:at], data.draw(JUNK), *tokens[at + 1 :]])
    other = replace(base, files=base.files | {path: edited})

    for before, after in ((base, other), (other, base)):
        findings = check(load(after), change=change_between(before, after))
        assert {finding.rule for finding in findings} <= IDS


# Fixtures with files that people write for Argo CD, for hosts and for who answers for what.
BY_HAND = (
    "platform/file-synced/valid",
    "platform/platform-agrees/valid",
    "platform/project-bounded/valid",
    "platform/protection-kept/valid",
    "platform/sync-options-safe/valid",
    "hosts/codeowners-sound/valid",
    "hosts/inventory-sound/valid",
    "hosts/versions-strict/valid",
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=200)
@given(data=st.data())
def test_any_edit_of_what_people_write_is_checked(
    fixture_tree: FixtureTree, data: st.DataObject
) -> None:
    """A token or a line of such a file replaced by anything gives findings, never an error."""
    case = data.draw(st.sampled_from(BY_HAND))
    tree = fixture_tree(case)
    own = [path for path in sorted(tree.files) if (RULES_TESTS / case / path).is_file()]
    path = data.draw(st.sampled_from(own))
    apart = data.draw(st.sampled_from([b" ", b"\n", b":"]))
    tokens = tree.files[path].split(apart)
    at = data.draw(st.integers(0, len(tokens) - 1))
    edited = apart.join([*tokens[:at], data.draw(JUNK), *tokens[at + 1 :]])
    findings = check_tree(replace(tree, files=tree.files | {path: edited}))

    assert {finding.rule for finding in findings} <= IDS


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(data=st.data())
def test_any_file_may_be_missing(fixture_tree: FixtureTree, data: st.DataObject) -> None:
    """Files that are removed, one or many, give findings and never an error."""
    tree = fixture_tree("base")
    gone = data.draw(st.sets(st.sampled_from(sorted(tree.files)), min_size=1))
    left = {path: content for path, content in tree.files.items() if path not in gone}
    findings = check_tree(replace(tree, files=left))

    assert {finding.rule for finding in findings} <= IDS


def test_pods_restart_while_the_list_of_environments_breaks(
    fixture_tree: FixtureTree, change_between: Callable[[Any, Any], Change]
) -> None:
    """A rendered Deployment changes in the change that breaks the list: findings on both."""
    base = fixture_tree("base")
    deployment = "apps/linear/rendered/prod/deployment-linear-r1.yaml"
    broken = {
        "argocd/environments.yaml": b"environments: [\n",
        deployment: base.files[deployment].replace(b"image:", b"imagePullPolicy: Never\nimage:"),
    }
    after = replace(base, files=base.files | broken)
    findings = check(load(after), change=change_between(base, after))

    assert broken.keys() <= {finding.path for finding in findings}
