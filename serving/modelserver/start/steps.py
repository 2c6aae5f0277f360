"""From settings to something that serves: fetch, verify, check, load, warm up, replay.

Runs in a thread of its own, so that the process answers health checks meanwhile; the last step,
which needs the event loop, is `serve` in `process`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from modelserver.artifact import self_contained
from modelserver.artifact.cache import Artifact, obtain
from modelserver.model import session
from modelserver.model.session import Model
from modelserver.settings import Settings
from modelserver.start import golden, reclaim, warmup
from modelserver.start.cpu_quota import usable_cpus
from modelserver.start.warmup import Profile

Step = Callable[[str], None]


@dataclass(frozen=True)
class Loaded:
    """A release that may serve."""

    model: Model
    profile: Profile
    threads: int


def load(settings: Settings, step: Step) -> Loaded:
    """The verified, checked, warmed-up and replayed release. Raises a `StartError`.

    `step` hears what is being done, before it is done.
    """
    step("fetching the artifact")
    weights = Artifact(settings.artifact_uri, settings.artifact_sha256, settings.artifact_bytes)
    path = obtain(weights, cache_dir=settings.cache_dir, root=settings.artifact_root)
    step("checking the artifact")
    self_contained.check(path)
    contract = settings.promised()
    step("loading the model")
    threads = settings.threads or usable_cpus()
    loaded = session.load(
        path,
        contract,
        providers=settings.providers,
        threads=threads,
        options=settings.provider_options,
        engine_cache=settings.cache_dir / "tensorrt" / settings.artifact_sha256,
    )
    recorded = _golden(settings, step)
    step("warming up")
    profile = warmup.measure(
        loaded,
        recorded.cases[0].inputs if recorded else None,
        max_rows=settings.batching_max_size or 1,
    )
    if recorded:
        step("replaying the golden file")
        golden.replay(loaded, recorded)
    reclaim.give_back()
    return Loaded(loaded, profile, threads)


def _golden(settings: Settings, step: Step) -> golden.Golden | None:
    if settings.golden_uri is None or settings.golden_sha256 is None:
        return None
    step("fetching the golden file")
    wanted = Artifact(settings.golden_uri, settings.golden_sha256, golden.MAX_BYTES, exact=False)
    path = obtain(wanted, cache_dir=settings.cache_dir, root=settings.artifact_root)
    return golden.parse(path.read_bytes(), settings.promised())
