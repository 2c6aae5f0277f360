"""The rules: one module each, in this table and nowhere else.

A rule module has `ID` (its slug), `LEVEL`, a docstring that is its manual page, and `check`.
"""

from collections.abc import Iterator
from typing import Protocol

from modelctl.finding import Finding, Level
from modelctl.repository import Repository
from modelctl.rules import (
    artifact_size_declared,
    exactly_one_stable,
    image_digest_pinned,
    io_contract_compatible,
    mirror_not_weighted,
    mirror_share_explicit,
    model_digest_pinned,
    name_budget,
    no_all_zero,
    no_secret_material,
    no_zero_scale_with_weight,
    opset_supported,
    owner_has_project,
    path_identity,
    provider_equipped,
    release_exists,
    release_unreferenced,
    rendered_current,
    rendered_nonempty,
    rendered_orphan,
    route_unique,
    scale_bounds_ordered,
    schema_valid,
    weight_integer_range,
    weights_sum_100,
    yaml_strict,
)


class Rule(Protocol):
    """What a rule module offers."""

    ID: str
    LEVEL: Level
    __doc__: str | None

    def check(self, repository: Repository) -> Iterator[Finding]:
        """Every violation in the repository; pure."""


# In the order of a reader: what a file is, what a release is, where traffic goes, what is rendered.
RULES: tuple[Rule, ...] = (
    yaml_strict,
    schema_valid,
    path_identity,
    name_budget,
    owner_has_project,
    image_digest_pinned,
    model_digest_pinned,
    release_exists,
    release_unreferenced,
    io_contract_compatible,
    opset_supported,
    provider_equipped,
    artifact_size_declared,
    weights_sum_100,
    weight_integer_range,
    no_all_zero,
    exactly_one_stable,
    route_unique,
    mirror_not_weighted,
    mirror_share_explicit,
    scale_bounds_ordered,
    no_zero_scale_with_weight,
    no_secret_material,
    rendered_current,
    rendered_orphan,
    rendered_nonempty,
)
