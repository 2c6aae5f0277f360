"""From what is wanted to something that serves: fetch, verify, check, load, warm up, replay.

Runs in a thread of its own, so that the process answers health checks meanwhile; the last step,
which needs the event loop, is in `process`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from modelserver.artifact import self_contained
from modelserver.artifact.cache import Artifact, Cache
from modelserver.errors import ModelOutOfMemory
from modelserver.model import remembering, session
from modelserver.model.contract import Contract, SharedSize
from modelserver.model.graph import reader
from modelserver.model.guard import plan
from modelserver.model.guard.needs import Needs
from modelserver.model.provider_options import ProviderOptions
from modelserver.model.rows import independence as rows
from modelserver.model.rows.independence import Independence
from modelserver.model.session import Model
from modelserver.start import (
    empty_shapes,
    first_input,
    golden,
    memory_bound,
    probe,
    reclaim,
    shapes,
    warmup,
)
from modelserver.start.cpu_quota import usable_cpus
from modelserver.start.golden import Golden
from modelserver.start.probe import Trial
from modelserver.start.shapes import MemoryPlannedWrongly
from modelserver.start.warmup import Profile

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be loaded, and how.

    Relative `file:` URIs begin at `artifact_root`. Without `golden` nothing is replayed, without
    `threads` the CPU quota decides, and at most `max_rows` rows are tried together. `rows_claimed`
    says that the release declares rows to be independent of each other.
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


@dataclass(frozen=True, slots=True)
class Loaded:
    """A release that may serve; this process maps no more than `memory_bound_bytes` (None: any).

    `cache` keeps its files, for the next start; `shared_sizes` are those that must be equal in
    several places of a request.
    """

    model: Model
    profile: Profile
    independence: Independence
    threads: int
    memory_bound_bytes: int | None
    cache: Cache
    shared_sizes: tuple[SharedSize, ...] = ()


@dataclass(frozen=True, slots=True)
class _Opened:
    """The model in a file, what is known of its rows, and the bound that memory has now."""

    model: Model
    independence: Independence
    memory_bound_bytes: int | None


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
    recorded = _golden(wanted, cache, step)
    example = recorded.cases[0].inputs if recorded else None
    step("fetching the artifact")
    opened = cache.use(wanted.artifact, lambda path: _opened(path, wanted, threads, example, step))
    model, independence = opened.model, opened.independence
    step("warming up")
    first = first_input.find(model, example)
    try:
        shared = shapes.shared_sizes(model, first.feeds)
    except MemoryPlannedWrongly:
        model = cache.use(wanted.artifact, lambda path: _model(path, wanted, threads, reuse=False))
        shared = shapes.shared_sizes(model, first.feeds)
    if model.needs.elements or model.needs.is_guarded:
        model = replace(model, shapes=empty_shapes.learn(model, first.feeds, shared))
    profile = warmup.measure(
        model, first.feeds, independence, max_rows=wanted.max_rows, first_s=first.run_s
    )
    profile = replace(profile, ends=not model.needs.end)
    if recorded:
        step("replaying the golden file")
        golden.replay(model, recorded)
    reclaim.give_back()
    return Loaded(model, profile, independence, threads, opened.memory_bound_bytes, cache, shared)


def _opened(
    path: Path, wanted: Wanted, threads: int, example: probe.Feeds | None, step: Step
) -> _Opened:
    """What a verified file holds."""
    step("checking the artifact")
    self_contained.check(path)
    file = reader.read(path)
    remembering.refuse(file)
    independence = rows.NOT_ASKED
    if wanted.max_rows > 1:
        independence = rows.of(file, wanted.contract, is_claimed=wanted.rows_claimed)
    takes_nothing = True
    if untried := plan.plan(file, wanted.contract.input_names).untried:
        step("trying the model in a process of its own")
        trial = Trial(wanted.contract, wanted.providers, wanted.provider_options, threads, example)
        takes_nothing = probe.survives_no_elements(path, trial, untried)
    step("loading the model")
    memory_bound_bytes = None
    if all(name == "cpu" for name in wanted.providers):  # a GPU's driver maps as it likes
        memory_bound_bytes = memory_bound.impose(threads)
    model = _model(path, wanted, threads)
    if not takes_nothing:
        model = replace(model, needs=Needs(wanted.contract.input_names, probe.WHY))
    return _Opened(model, independence, memory_bound_bytes)


def _model(path: Path, wanted: Wanted, threads: int, *, reuse: bool | None = None) -> Model:
    return session.load(
        path,
        wanted.contract,
        providers=wanted.providers,
        threads=threads,
        options=wanted.provider_options,
        engine_cache=wanted.cache_dir / "tensorrt" / wanted.artifact.sha256,
        reuse_memory=reuse,
    )


def _golden(wanted: Wanted, cache: Cache, step: Step) -> Golden | None:
    if wanted.golden is None:
        return None
    step("fetching the golden file")
    text = cache.use(wanted.golden, Path.read_bytes)
    return golden.parse(text, wanted.contract)
