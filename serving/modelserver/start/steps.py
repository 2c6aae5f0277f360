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
from modelserver.model import remembering, session
from modelserver.model.contract import Contract
from modelserver.model.graph import reader
from modelserver.model.provider_options import ProviderOptions
from modelserver.model.rows import independence as rows
from modelserver.model.rows.independence import Independence
from modelserver.model.session import Model
from modelserver.start import golden, memory_bound, reclaim, warmup
from modelserver.start.cpu_quota import usable_cpus
from modelserver.start.golden import Golden
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
    """A release that may serve; this process maps no more than `memory_bound_bytes` (None: any)."""

    model: Model
    profile: Profile
    independence: Independence
    threads: int
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
    step("fetching the artifact")
    path = obtain(wanted.artifact, cache_dir=wanted.cache_dir, root=wanted.artifact_root)
    step("checking the artifact")
    self_contained.check(path)
    file = reader.read(path)
    remembering.refuse(file)
    independence = rows.NOT_ASKED
    if wanted.max_rows > 1:
        independence = rows.of(file, wanted.contract, is_claimed=wanted.rows_claimed)
    step("loading the model")
    threads = wanted.threads or usable_cpus()
    memory_bound_bytes = None
    if all(name == "cpu" for name in wanted.providers):  # a GPU's driver maps as it likes
        memory_bound_bytes = memory_bound.impose(threads)
    model = session.load(
        path,
        wanted.contract,
        providers=wanted.providers,
        threads=threads,
        options=wanted.provider_options,
        engine_cache=wanted.cache_dir / "tensorrt" / wanted.artifact.sha256,
    )
    recorded = _golden(wanted, step)
    step("warming up")
    example = recorded.cases[0].inputs if recorded else None
    profile = warmup.measure(model, example, independence, max_rows=wanted.max_rows)
    if recorded:
        step("replaying the golden file")
        golden.replay(model, recorded)
    reclaim.give_back()
    return Loaded(model, profile, independence, threads, memory_bound_bytes)


def _golden(wanted: Wanted, step: Step) -> Golden | None:
    if wanted.golden is None:
        return None
    step("fetching the golden file")
    path = obtain(wanted.golden, cache_dir=wanted.cache_dir, root=wanted.artifact_root)
    return golden.parse(path.read_bytes(), wanted.contract)
