"""From what is wanted to something that serves: fetch, verify, check, load, warm up, replay.

Runs in a thread of its own, so that the process answers health checks meanwhile; the last step,
which needs the event loop, is in `process`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelserver.artifact import self_contained
from modelserver.artifact.cache import Artifact, obtain
from modelserver.errors import ModelOutOfMemory
from modelserver.model import arena, session
from modelserver.model.contract import Contract
from modelserver.model.provider_options import ProviderOptions
from modelserver.model.session import Model
from modelserver.start import footprint, golden, memory_bound, memory_plan, reclaim, usage, warmup
from modelserver.start.cpu_quota import usable_cpus
from modelserver.start.footprint import Footprint
from modelserver.start.golden import Golden
from modelserver.start.memory_plan import MemoryPlan
from modelserver.start.warmup import Profile

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be loaded, and how.

    Relative `file:` URIs begin at `artifact_root`. Without `golden` nothing is replayed, without
    `threads` the CPU quota decides, and at most `max_rows` rows are tried together.
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


@dataclass(frozen=True, slots=True)
class Loaded:
    """A release that may serve, and what was found out about it; `plan` divides the memory."""

    model: Model
    profile: Profile
    threads: int
    plan: MemoryPlan
    footprint: Footprint


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
    step("fetching the artifact")
    path = obtain(wanted.artifact, cache_dir=wanted.cache_dir, root=wanted.artifact_root)
    step("checking the artifact")
    self_contained.check(path)
    step("loading the model")
    threads = wanted.threads or usable_cpus()
    plan, shares_arena = _plan(wanted, threads)
    before = usage.read()
    model = session.load(
        path,
        wanted.contract,
        providers=wanted.providers,
        threads=threads,
        options=wanted.provider_options,
        engine_cache=wanted.cache_dir / "tensorrt" / wanted.artifact.sha256,
        shares_arena=shares_arena,
    )
    weights_bytes = max(usage.read().anonymous - before.anonymous, 0)
    recorded = _golden(wanted, step)
    step("warming up")
    example = recorded.cases[0].inputs if recorded else None
    watched = footprint.watch(model)
    profile = warmup.measure(watched, example, max_rows=wanted.max_rows)
    if recorded:
        step("replaying the golden file")
        golden.replay(model, recorded)
    step("measuring the memory of a run")
    found = footprint.measure(
        watched,
        example or warmup.synthetic(wanted.contract),
        run_s=profile.run_s,
        room_bytes=plan.arena_bytes - weights_bytes,
        weights_bytes=weights_bytes,
    )
    reclaim.give_back()
    return Loaded(model, profile, threads, plan, found)


def _plan(wanted: Wanted, threads: int) -> tuple[MemoryPlan, bool]:
    """How the memory is divided; and whether the arena is bound to its part."""
    limit_bytes = memory_bound.memory_bytes()
    now = usage.read()
    plan = memory_plan.divide(
        limit_bytes,
        resident_bytes=now.resident,
        anonymous_bytes=now.anonymous,
        artifact_bytes=wanted.artifact.max_bytes,
    )
    if any(name != "cpu" for name in wanted.providers):  # a GPU's driver maps as it likes
        return plan, False
    memory_bound.impose(threads, limit_bytes)
    if wanted.provider_options.cpu.enable_cpu_mem_arena is False:
        return plan, False
    arena.bound(plan.arena_bytes)
    return plan, True


def _golden(wanted: Wanted, step: Step) -> Golden | None:
    if wanted.golden is None:
        return None
    step("fetching the golden file")
    path = obtain(wanted.golden, cache_dir=wanted.cache_dir, root=wanted.artifact_root)
    return golden.parse(path.read_bytes(), wanted.contract)
