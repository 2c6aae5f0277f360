"""The decision tables hold together."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import jsonschema

from roles.gpu.gpu_trees import ROLES


def test_tables_follow_their_schema(tables: dict[str, Any]) -> None:
    """The tables have the form that their schema states."""
    schema = json.loads((ROLES / "gpu_facts/files/tables.schema.json").read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tables, schema, cls=jsonschema.Draft202012Validator)


def test_products_name_known_rows(tables: dict[str, Any]) -> None:
    """A product's generation and MIG geometry exist, and no row is left over."""
    products = tables["products"].values()

    assert set(tables["generations"]) == {product["generation"] for product in products}
    assert set(tables["mig"]) == {product["mig"] for product in products if "mig" in product}


def test_a_block_of_a_chip_is_of_one_generation(tables: dict[str, Any]) -> None:
    """Blocks do not overlap, and a named product has the generation of the block that it is in."""
    blocks = sorted((chip["first"], chip["last"], chip["generation"]) for chip in tables["chips"])
    overlaps = [a for a, b in pairwise(blocks) if a[1] >= b[0]]
    strays = [
        device
        for device, product in tables["products"].items()
        for first, last, generation in blocks
        if first <= device <= last and (generation != product["generation"] or "fabric" in product)
    ]

    assert ([], []) == (overlaps, strays)


def test_a_product_starts_no_earlier_than_its_generation(tables: dict[str, Any]) -> None:
    """A product's own first branch is later than its generation's."""
    early = [
        device
        for device, product in tables["products"].items()
        if product.get("branch_min", 10_000)
        < tables["generations"][product["generation"]]["branch_min"]
    ]

    assert [] == early


def test_open_only_and_proprietary_only_generations(tables: dict[str, Any]) -> None:
    """Turing is the first generation with open modules, Blackwell knows no others."""
    generations = tables["generations"]

    assert ["proprietary"] == generations["pascal"]["flavors"] == generations["volta"]["flavors"]
    assert 580 == generations["pascal"]["branch_max"]
    assert "open" == generations["turing"]["flavors"][0]
    assert ["open"] == generations["blackwell"]["flavors"] == generations["grace_hopper"]["flavors"]


def test_profiles_fit_on_a_gpu(tables: dict[str, Any]) -> None:
    """No MIG profile takes more compute slices than a GPU has."""
    for name, profiles in tables["mig"].items():
        for profile, count in profiles.items():
            assert int(profile[0]) * count <= 7, (name, profile)
