"""The rules: one module each, in this table and nowhere else.

A rule module has `ID` (its slug), `LEVEL`, `SCOPE`, a docstring that is its manual page, and
`check`. That is given what the scope says, and yields a violation for each fault; the engine makes
findings of them.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from modelctl.check.rules.capacity import (
    batch_fillable,
    gpu_memory_fits_model,
    limits_fit_memory,
    memory_fits_model,
    no_zero_scale_with_weight,
    ort_threads_match_cpu,
    replicas_carry_peak,
    resources_plausible,
    scale_bounds_ordered,
    target_reachable,
)
from modelctl.check.rules.change import (
    artifact_kept,
    capacity_for_weight,
    contract_change_compatible,
    drain_before_retire,
    enter_at_zero,
    environments_kept,
    gateway_kept,
    golden_kept,
    mass_change_guard,
    mirror_stepped,
    no_mixed_change,
    one_env_per_change,
    owner_move_stepped,
    paused_not_edited,
    promotion_order,
    release_id_increases,
    release_immutable,
    removal_impact,
    rename_stepped,
    resources_lowered,
    restart_impact,
    rollback_target_kept,
    scale_kept_with_weight,
    service_level_kept,
    source_kept,
    stable_follows_traffic,
    starts_in_trial,
)
from modelctl.check.rules.form import (
    name_budget,
    path_identity,
    schema_valid,
    waiver_needed,
    waiver_well_formed,
    yaml_strict,
)
from modelctl.check.rules.limits import (
    artifact_store_allowed,
    bake_time,
    evidence_present,
    freeze_respected,
    gpu_fits_inventory,
    memory_within_limits,
    replicas_within_limits,
    step_limit,
)
from modelctl.check.rules.platform import (
    application_name_free,
    denied_to_all,
    move_ends,
    own_values,
    owner_has_project,
    repository_url_consistent,
    teams_consistent,
)
from modelctl.check.rules.release import (
    batching_fits_graph,
    digest_plausible,
    duplicate_bits,
    golden_fits_contract,
    gpu_resource_known,
    image_has_registry,
    io_contract_compatible,
    opset_supported,
    provider_equipped,
    provider_order,
    quantity_canonical,
    release_exists,
    release_unreferenced,
    tensor_names_unique,
    timeout_covers_latency,
    uri_readable,
    uri_unique,
)
from modelctl.check.rules.rendered import (
    rendered_current,
    rendered_nonempty,
    rendered_orphan,
)
from modelctl.check.rules.supply import (
    artifact_size_declared,
    image_digest_pinned,
    image_registry_allowed,
    model_digest_pinned,
    no_secret_material,
)
from modelctl.check.rules.traffic import (
    exactly_one_stable,
    max_live_releases,
    mirror_capacity,
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
        """Every violation; `files` is the value that the scope names, such as `ModelFiles`."""


# In the order of a reader: what a file is, what a release is, where traffic goes,
# what a change does to it, what is rendered.
RULES: tuple[Rule, ...] = (
    yaml_strict,
    schema_valid,
    path_identity,
    name_budget,
    waiver_needed,
    waiver_well_formed,
    owner_has_project,
    move_ends,
    teams_consistent,
    repository_url_consistent,
    own_values,
    denied_to_all,
    application_name_free,
    image_digest_pinned,
    image_registry_allowed,
    model_digest_pinned,
    release_exists,
    release_unreferenced,
    io_contract_compatible,
    opset_supported,
    provider_equipped,
    timeout_covers_latency,
    artifact_size_declared,
    quantity_canonical,
    batching_fits_graph,
    digest_plausible,
    duplicate_bits,
    golden_fits_contract,
    gpu_resource_known,
    image_has_registry,
    provider_order,
    tensor_names_unique,
    uri_readable,
    uri_unique,
    weights_sum_100,
    weight_integer_range,
    no_all_zero,
    exactly_one_stable,
    route_unique,
    releases_fit_route,
    mirror_not_weighted,
    mirror_share_explicit,
    max_live_releases,
    mirror_capacity,
    scale_bounds_ordered,
    no_zero_scale_with_weight,
    memory_fits_model,
    limits_fit_memory,
    ort_threads_match_cpu,
    resources_plausible,
    batch_fillable,
    gpu_memory_fits_model,
    replicas_carry_peak,
    target_reachable,
    gpu_fits_inventory,
    bake_time,
    evidence_present,
    freeze_respected,
    memory_within_limits,
    artifact_store_allowed,
    replicas_within_limits,
    step_limit,
    enter_at_zero,
    drain_before_retire,
    release_immutable,
    owner_move_stepped,
    capacity_for_weight,
    restart_impact,
    removal_impact,
    service_level_kept,
    mirror_stepped,
    artifact_kept,
    contract_change_compatible,
    environments_kept,
    gateway_kept,
    golden_kept,
    starts_in_trial,
    mass_change_guard,
    no_mixed_change,
    one_env_per_change,
    paused_not_edited,
    promotion_order,
    release_id_increases,
    rename_stepped,
    resources_lowered,
    rollback_target_kept,
    scale_kept_with_weight,
    source_kept,
    stable_follows_traffic,
    no_secret_material,
    rendered_current,
    rendered_orphan,
    rendered_nonempty,
)
