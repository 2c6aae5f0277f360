"""Generated pages are what is committed, and what they show is true."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from modelctl import docs, documents, reference, schema
from modelctl.errors import UsageError
from modelctl.rules import RULES


def _mappings(node: object) -> Iterator[dict[str, Any]]:
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _mappings(item)
    if isinstance(node, dict) and node.get("type") == "object":
        yield node


@pytest.mark.parametrize("name", docs.PAGES)
def test_pages_are_current(name: str) -> None:
    """A committed page is the one that `python -m modelctl.docs` writes."""
    committed = (schema.FOLDER / name).read_text("utf-8")

    assert docs.PAGES[name]() == committed, "run `python -m modelctl.docs`"


def test_explain_gives_the_page() -> None:
    """The page of a rule begins with its slug and ends with the good example."""
    page = docs.explain("weights-sum-100")

    assert page.startswith("# weights-sum-100\n\nWeights of a serving file add up to 100.\n")
    assert page.endswith("```yaml\nweights: {r1: 80, r2: 20}\n```")


@pytest.mark.parametrize(
    ("slug", "hint"),
    [("weight-sum-100", "did you mean weights-sum-100?"), ("zzz", "`modelctl rules` lists them")],
)
def test_explain_helps_with_an_unknown_rule(slug: str, hint: str) -> None:
    """A slug that is no rule's is answered with the nearest, or with where they are listed."""
    with pytest.raises(UsageError, match=re.escape(hint)):
        docs.explain(slug)


def test_rules_page_has_every_rule() -> None:
    """Every rule has its row in the table and a heading that the row leads to."""
    page = docs.rules_page()

    for rule in RULES:
        assert f"| [{rule.ID}](#{rule.ID}) | {rule.LEVEL} | {docs.summary(rule)} |" in page
        assert f"\n## {rule.ID}\n" in page


@pytest.mark.parametrize("kind", schema.KINDS)
def test_example_files_are_valid(kind: str) -> None:
    """The example of a kind on the page has no fault of form."""
    text = yaml.safe_dump(reference.example(kind), sort_keys=False)
    document, faults = documents.parse("example.yaml", text.encode())

    assert [] == faults
    assert document is not None
    assert [] == schema.violations(kind, document)


@pytest.mark.parametrize("kind", schema.KINDS)
def test_every_field_is_described(kind: str) -> None:
    """Every field of a schema has a description, and an example that the schema admits."""
    fields = list(reference.fields(kind))

    assert fields
    for field in fields:
        assert field.schema["description"].endswith(".")
        validator = schema._validator(kind).evolve(schema=field.schema)
        assert validator.is_valid(field.schema["examples"][0]), field.name


@pytest.mark.parametrize("kind", schema.KINDS)
def test_schemas_are_closed(kind: str) -> None:
    """No mapping of a schema admits a field that nobody described."""
    mappings = list(_mappings(schema.schema(kind)))

    assert mappings
    assert all("additionalProperties" in mapping for mapping in mappings)
