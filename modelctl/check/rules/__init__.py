"""The rules: one module each, in this table and nowhere else.

A rule module has `ID` (its slug), `LEVEL`, `SCOPE`, a docstring that is its manual page, and
`check`. That is given what the scope says, and yields a violation for each fault; the engine makes
findings of them.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from modelctl.check.rules.capacity import (
    limits_fit_memory,
    memory_fits_model,
    no_zero_scale_with_weight,
    ort_threads_match_cpu,
    scale_bounds_ordered,
)
from modelctl.check.rules.change import (
    capacity_for_weight,
    drain_before_retire,
    enter_at_zero,
    owner_move_stepped,
    release_immutable,
    removal_impact,
    restart_impact,
)
from modelctl.check.rules.form import name_budget, path_identity, schema_valid, yaml_strict
from modelctl.check.rules.platform import (
    denied_to_all,
    move_ends,
    own_values,
    owner_has_project,
    repository_url_consistent,
    teams_consistent,
)
from modelctl.check.rules.release import (
    io_contract_compatible,
    opset_supported,
    provider_equipped,
    release_exists,
    release_unreferenced,
)
from modelctl.check.rules.rendered import rendered_current, rendered_nonempty, rendered_orphan
from modelctl.check.rules.supply import (
    artifact_size_declared,
    image_digest_pinned,
    model_digest_pinned,
    no_secret_material,
)
from modelctl.check.rules.traffic import (
    exactly_one_stable,
    mirror_not_weighted,
    mirror_share_explicit,
    no_all_zero,
    releases_fit_route,
    route_unique,
    weight_integer_range,
    weights_sum_100,
)
from modelctl.finding import Level, Scope, Violation


class Rule(Protocol):
    """What a rule module offers."""

    ID: str
    LEVEL: Level
    SCOPE: Scope
    __doc__: str | None

    def check(self, files: Any, /) -> Iterator[Violation]:  # noqa: ANN401 - its scope says what
        """Every violation; `files` is the `Files`, `ModelFiles` or `ModelChange` of the scope."""


# In the order of a reader: what a file is, what a release is, where traffic goes,
# what a change does to it, what is rendered.
RULES: tuple[Rule, ...] = (
    yaml_strict,
    schema_valid,
    path_identity,
    name_budget,
    owner_has_project,
    move_ends,
    teams_consistent,
    repository_url_consistent,
    own_values,
    denied_to_all,
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
    releases_fit_route,
    mirror_not_weighted,
    mirror_share_explicit,
    scale_bounds_ordered,
    no_zero_scale_with_weight,
    memory_fits_model,
    limits_fit_memory,
    ort_threads_match_cpu,
    enter_at_zero,
    drain_before_retire,
    release_immutable,
    owner_move_stepped,
    capacity_for_weight,
    restart_impact,
    removal_impact,
    no_secret_material,
    rendered_current,
    rendered_orphan,
    rendered_nonempty,
)
