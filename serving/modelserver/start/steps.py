"""From what is wanted to something that serves: fetch, verify, check, load, warm up, replay.

Runs in a thread of its own, so that the process answers health checks meanwhile; the last step,
which needs the event loop, is in `process`.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelserver.artifact import self_contained
from modelserver.artifact.cache import Artifact, Cache
from modelserver.errors import ModelOutOfMemory
from modelserver.model import arena, remembering, session
from modelserver.model.contract import Contract, SharedSize
from modelserver.model.graph import reader
from modelserver.model.guard import plan as guards
from modelserver.model.guard.needs import Needs
from modelserver.model.provider_options import ProviderOptions
from modelserver.model.rows import independence as rows
from modelserver.model.rows.independence import Independence
from modelserver.model.session import Model
from modelserver.start import (
    first_input,
    footprint,
    memory_bound,
    memory_plan,
    reclaim,
    shapes,
    usage,
    warmup,
)
from modelserver.start.cpu_quota import usable_cpus
from modelserver.start.first_input import FirstInput
from modelserver.start.footprint import Feeds, Footprint, Watched
from modelserver.start.memory_plan import MemoryPlan
from modelserver.start.shapes import MemoryPlannedWrongly
from modelserver.start.warmup import Profile

if TYPE_CHECKING:
    from modelserver.start.golden import Golden

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be loaded, and how.

    Relative `file:` URIs begin at `artifact_root`. Without `golden` nothing is replayed, without
    `threads` the CPU quota decides, and at most `max_rows` rows are tried together. `rows_claimed`
    says that the release declares rows to be independent of each other. Without `memory_bytes` the
    process has what its control group and the machine allow.
    """

    artifact: Artifact
    contract: Contract
    providers: tuple[str, ...]
    provider_options: ProviderOptions
    cache_dir: Path
    artifact_root: Path
    golden: Artifact | None = None
    threads: int | None = None
    max_rows: int = 1
    rows_claimed: bool = False
    memory_bytes: int | None = None

    @property
    def on_cpu(self) -> bool:
        """Whether nothing is asked of a GPU."""
        return all(name == "cpu" for name in self.providers)

    @property
    def uses_arena(self) -> bool:
        """Whether runs take their memory from an arena on the CPU that can be bounded."""
        return self.on_cpu and self.provider_options.cpu.enable_cpu_mem_arena is not False


@dataclass(frozen=True, slots=True)
class Loaded:
    """A release that may serve, and what was found out about it.

    `plan` divides the memory. `cache` keeps the files of the release, for the next start;
    `shared_sizes` are those that must be equal in several places of a request.
    """

    model: Model
    profile: Profile
    independence: Independence
    threads: int
    plan: MemoryPlan
    weights_bytes: int
    footprint: Footprint
    cache: Cache
    shared_sizes: tuple[SharedSize, ...] = ()


@dataclass(frozen=True, slots=True)
class _Opened:
    """The model in a file, what is known of its rows, how memory is divided, and the weights'."""

    model: Model
    independence: Independence
    plan: MemoryPlan
    weights_bytes: int


@dataclass(frozen=True, slots=True)
class _Tried:
    """A model that has run, the same with its memory watched, and what the first runs showed."""

    model: Model
    watched: Watched
    first: FirstInput
    shared_sizes: tuple[SharedSize, ...]


def load(wanted: Wanted, step: Step) -> Loaded:
    """The verified, checked, warmed-up and replayed release.

    `step` is told what is being done, before it is done.

    Raises:
        StartError: The release cannot be served; the class says why.
    """
    try:
        return _load(wanted, step)
    except MemoryError as error:
        raise ModelOutOfMemory(
            f"memory was short: {error}; raise resources.memory of the release"
        ) from error


def _load(wanted: Wanted, step: Step) -> Loaded:
    cache = Cache(wanted.cache_dir, wanted.artifact_root)
    threads = wanted.threads or usable_cpus()
    began = time.perf_counter()
    recorded = _golden(wanted, cache, step)
    example = recorded.cases[0].inputs if recorded else None
    step("fetching the artifact")
    opened = cache.use(wanted.artifact, lambda path: _opened(path, wanted, threads, example, step))
    step("warming up")
    tried = _try(opened.model, wanted, cache, example)
    profile = _profile(tried, opened.independence, wanted.max_rows)
    if recorded:
        from modelserver.start import golden  # noqa: PLC0415 - a start imports what it needs

        step("replaying the golden file")
        golden.replay(tried.model, recorded)
    step("measuring the memory of a run")
    found = footprint.measure(
        tried.watched,
        tried.first.feeds,
        run_s=profile.run_s,
        room_bytes=opened.plan.arena_bytes - opened.weights_bytes,
        spent_s=time.perf_counter() - began,
    )
    reclaim.give_back()
    return Loaded(
        model=tried.model,
        profile=profile,
        independence=opened.independence,
        threads=threads,
        plan=opened.plan,
        weights_bytes=opened.weights_bytes,
        footprint=found,
        cache=cache,
        shared_sizes=tried.shared_sizes,
    )


def _profile(tried: _Tried, independence: Independence, max_rows: int) -> Profile:
    """How long runs take, by their number of rows."""
    profile = warmup.measure(
        tried.watched,
        tried.first.feeds,
        independence,
        max_rows=max_rows,
        first_s=tried.first.run_s,
    )
    return replace(profile, ends=not tried.model.needs.end)


def _try(model: Model, wanted: Wanted, cache: Cache, example: Feeds | None) -> _Tried:
    """What first runs of a model show: input that it takes, and which sizes have to be equal."""
    watched = footprint.watch(model)
    first = first_input.find(watched, example)
    try:
        shared = shapes.shared_sizes(watched, first.feeds)
    except MemoryPlannedWrongly:
        threads = wanted.threads or usable_cpus()
        model = cache.use(wanted.artifact, lambda path: _model(path, wanted, threads, reuse=False))
        watched = footprint.watch(model)
        shared = shapes.shared_sizes(watched, first.feeds)
    if model.needs.elements or model.needs.is_guarded:
        from modelserver.start import empty_shapes  # noqa: PLC0415 - for few graphs alone

        model = replace(model, shapes=empty_shapes.learn(model, first.feeds, shared))
        watched = replace(watched, shapes=model.shapes)
    return _Tried(model, watched, first, shared)


def _opened(path: Path, wanted: Wanted, threads: int, example: Feeds | None, step: Step) -> _Opened:
    """What a verified file holds."""
    step("checking the artifact")
    self_contained.check(path)
    file = reader.read(path)
    remembering.refuse(file)
    independence = rows.NOT_ASKED
    if wanted.max_rows > 1:
        independence = rows.of(file, wanted.contract, is_claimed=wanted.rows_claimed)
    needs = None
    if untried := guards.plan(file, wanted.contract.input_names).untried:
        step("trying the model in a process of its own")
        needs = _tried_apart(path, wanted, threads, example, untried)
    step("loading the model")
    divided = _plan(wanted, threads)
    before = usage.read()
    try:
        model = _model(path, wanted, threads)
    except ModelOutOfMemory:
        divided = divided.with_more_weights()
        _bound_arena(wanted, divided)
        model = _model(path, wanted, threads)
    reclaim.give_back()
    weights_bytes = max(usage.read().anonymous - before.anonymous, 0)
    if needs:
        model = replace(model, needs=needs)
    return _Opened(model, independence, divided, weights_bytes)


def _tried_apart(
    path: Path, wanted: Wanted, threads: int, example: Feeds | None, untried: Collection[str]
) -> Needs | None:
    """What the model has to be kept from, as a trial in a process of its own showed."""
    from modelserver.start import probe  # noqa: PLC0415 - for few graphs alone

    names = wanted.contract.input_names
    trial = probe.Trial(
        wanted.contract, wanted.providers, wanted.provider_options, threads, example
    )
    if probe.survives_no_elements(path, trial, untried):
        return None
    return Needs(names, probe.WHY)


def _bound_arena(wanted: Wanted, plan: MemoryPlan) -> None:
    if wanted.uses_arena:
        arena.bound(plan.arena_bytes)


def _plan(wanted: Wanted, threads: int) -> MemoryPlan:
    """How the memory is divided, now that this process and the arena are bound to it."""
    limit_bytes = wanted.memory_bytes or memory_bound.memory_bytes()
    now = usage.read()
    plan = memory_plan.divide(
        limit_bytes,
        resident_bytes=now.resident,
        anonymous_bytes=now.anonymous,
        artifact_bytes=wanted.artifact.max_bytes,
    )
    if wanted.on_cpu:  # a GPU's driver maps as it likes
        memory_bound.impose(threads, limit_bytes)
    _bound_arena(wanted, plan)
    return plan


def _model(path: Path, wanted: Wanted, threads: int, *, reuse: bool | None = None) -> Model:
    return session.load(
        path,
        wanted.contract,
        providers=wanted.providers,
        threads=threads,
        options=wanted.provider_options,
        engine_cache=wanted.cache_dir / "tensorrt" / wanted.artifact.sha256,
        reuse_memory=reuse,
        shares_arena=wanted.uses_arena,
    )


def _golden(wanted: Wanted, cache: Cache, step: Step) -> "Golden | None":
    if wanted.golden is None:
        return None
    step("fetching the golden file")
    from modelserver.start import golden  # noqa: PLC0415 - a start imports what it needs

    text = cache.use(wanted.golden, Path.read_bytes)
    return golden.parse(text, wanted.contract)
