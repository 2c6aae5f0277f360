"""Where the server stands between its start and its end, and why."""

from dataclasses import dataclass
from enum import StrEnum

from modelserver.codec.calls import Codec
from modelserver.errors import NotReady
from modelserver.inference.costs import Rows
from modelserver.inference.guard import Guard
from modelserver.inference.pace import Pace
from modelserver.inference.scheduler import Scheduler
from modelserver.model.session import Model
from modelserver.observe.metrics import Metrics
from modelserver.start.warmup import Profile


class Phase(StrEnum):
    """The phases of a server's life, in order.

    A server that is `SUSPECT` serves, but its outputs cannot be right; it may be `READY` again. A
    start that fails ends in `FAILED`.
    """

    STARTING = "starting"
    READY = "ready"
    SUSPECT = "suspect"
    DRAINING = "draining"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Serving:
    """What answers requests once the release is loaded.

    In words, `batching` says how it batches, and `independence` what is known of its rows. `rows`
    is what each row takes (None: that is not known).
    """

    model: Model
    profile: Profile
    codec: Codec
    scheduler: Scheduler
    guard: Guard
    batching: str
    independence: str
    pace: Pace
    rows: Rows | None = None


class Lifecycle:
    """The phase, the reason for it in words, and what serves.

    A server that is draining or suspect still answers requests; only its readiness says that it
    wants no more of them.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.phase = Phase.STARTING
        self.reason = "about to load"
        self.is_draining = False
        self._serving: Serving | None = None
        self._metrics = metrics

    @property
    def is_ready(self) -> bool:
        """Whether new requests are wanted."""
        return self.phase is Phase.READY

    @property
    def serving(self) -> Serving | None:
        """What serves; None until the release is loaded, warmed up and replayed."""
        return self._serving

    def require(self) -> Serving:
        """What serves.

        Raises:
            NotReady: Nothing does yet.
        """
        if self._serving is None:
            self._metrics.rejected["not_ready"] += 1
            raise NotReady(f"not ready: {self.phase}: {self.reason}")
        return self._serving

    def step(self, reason: str) -> None:
        """Say what the start is busy with."""
        self.reason = reason

    def ready(self, serving: Serving) -> None:
        """Begin to serve."""
        self._serving = serving
        self._enter(Phase.READY, "serving")

    def doubt(self, reason: str | None) -> None:
        """Want no more requests, for a reason; with None, want them again."""
        if self.phase in {Phase.READY, Phase.SUSPECT}:
            self._enter(Phase.SUSPECT if reason else Phase.READY, reason or "serving")

    def drain(self) -> None:
        """Want no more requests."""
        self.is_draining = True
        self._enter(Phase.DRAINING, "asked to stop")

    def fail(self, reason: str) -> None:
        """Give up the start."""
        self._enter(Phase.FAILED, reason)

    def _enter(self, phase: Phase, reason: str) -> None:
        self.phase = phase
        self.reason = reason
        self._metrics.ready = phase is Phase.READY
