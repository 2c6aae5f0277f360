"""The table of rules is whole: every module is in it, named after its slug, with its page."""

import re
from pathlib import Path

import pytest

from modelctl.check import rules
from modelctl.check.rules import RULES, Rule
from modelctl.check.rules.release import opset_supported
from modelctl.finding import Level
from modelctl.model import onnxruntime_support
from modelctl.repo import schema

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
HEADINGS = ["What it does", "Why", "Bad", "Good"]


FOLDER = Path(rules.__file__).parent


def _name(rule: Rule) -> str:
    return f"{rule.ID.replace('-', '_')}.py"


def _slugs_in_schemas(node: object) -> set[str]:
    if isinstance(node, list):
        return {slug for item in node for slug in _slugs_in_schemas(item)}
    if not isinstance(node, dict):
        return set()
    own = set(node.get("x-rules", {}).values())
    return own | {slug for item in node.values() for slug in _slugs_in_schemas(item)}


def test_every_module_is_in_the_table_once() -> None:
    """The modules of the package and the rules of the table are the same."""
    modules = [path.name for path in FOLDER.glob("*/*.py") if path.stem != "__init__"]

    assert sorted(map(_name, RULES)) == sorted(modules)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.ID)
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    """A rule has a slug, a level, and a page of one summary sentence and the fixed headings."""
    page = rule.__doc__ or ""
    summary, blank, *rest = page.splitlines()

    assert SLUG.fullmatch(rule.ID)
    assert isinstance(rule.LEVEL, Level)
    assert summary.endswith(".")
    assert blank == ""
    assert HEADINGS == [line.removeprefix("## ") for line in rest if line.startswith("## ")]
    assert page.count("```") == 4


@pytest.mark.parametrize("kind", schema.KINDS)
def test_schemas_name_rules_that_exist(kind: str) -> None:
    """A violation of a schema never belongs to a rule that no table has."""
    named = _slugs_in_schemas(schema.schema(kind))

    assert named <= {rule.ID for rule in RULES}


def test_the_page_on_opsets_has_the_numbers_of_the_table() -> None:
    """What the page of opset-supported promises is what the rule compares with."""
    page = " ".join((opset_supported.__doc__ or "").split())
    low, high = onnxruntime_support.OPSETS["ai.onnx"]

    assert f"IR version up to {onnxruntime_support.MAX_IR_VERSION}" in page
    assert f"`ai.onnx` from {low} to {high}" in page
    assert f"`ai.onnx.ml` up to {onnxruntime_support.OPSETS['ai.onnx.ml'][1]}" in page
