"""Generated pages are what is committed, and what they show is true."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from modelctl.check.rules import RULES
from modelctl.cli.pages import pages
from modelctl.pages import fields
from modelctl.pages.rules import rules_page, summary
from modelctl.repo import documents, schema, unmet
from scratch import PROJECT


def _mappings(node: object) -> Iterator[dict[str, Any]]:
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _mappings(item)
    if isinstance(node, dict) and node.get("type") == "object":
        yield node


def test_pages_are_current() -> None:
    """Every committed page is the one that `python -m modelctl.cli.pages` writes."""
    wanted = pages(PROJECT)
    stale = [str(path) for path, text in wanted.items() if path.read_text("utf-8") != text]

    assert [] == stale, "run `python -m modelctl.cli.pages`"


def test_rules_page_has_every_rule() -> None:
    """Every rule has its row in the table and a heading that the row leads to."""
    page = rules_page(RULES)

    for rule in RULES:
        assert f"| [{rule.ID}](#{rule.ID}) | {rule.LEVEL} | {summary(rule)} |" in page
        assert f"\n## {rule.ID}\n" in page


@pytest.mark.parametrize("kind", schema.KINDS)
def test_example_files_are_valid(kind: str) -> None:
    """The example of a kind on the page has no fault of form."""
    text = yaml.safe_dump(fields.example(kind), sort_keys=False)
    document, faults = documents.parse("example.yaml", text.encode())

    assert [] == faults
    assert document is not None
    assert [] == schema.violations(kind, document)


@pytest.mark.parametrize("kind", schema.KINDS)
def test_every_field_is_described(kind: str) -> None:
    """Every field of a schema has a description, and an example that the schema admits."""
    described = list(fields.fields(kind))

    assert described
    for field in described:
        assert field.schema["description"].endswith(".")
        validator = unmet.validator(schema.schema(kind)).evolve(schema=field.schema)
        assert validator.is_valid(field.schema["examples"][0]), field.name


@pytest.mark.parametrize("kind", schema.KINDS)
def test_schemas_are_closed(kind: str) -> None:
    """No mapping of a schema admits a field that nobody described."""
    mappings = list(_mappings(schema.schema(kind)))

    assert mappings
    assert all("additionalProperties" in mapping for mapping in mappings)
