"""The status of the local engine as values: what the page, the command and the file all show."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from modelctl.repo.git import Commit
from modelctl.status.event import Event

FORMAT = 1  # of the JSON; counts up when a field changes its meaning


class Sync(StrEnum):
    """Whether what runs is what git says."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class Health(StrEnum):
    """Whether what runs is well; the last is the worst."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"


@dataclass(frozen=True, slots=True)
class Measured:
    """What Envoy measured for one release over the window.

    Attributes:
        requests: Answered in the window, however they reached the release.
        weighted: Those that were shared by weight.
        direct: Those that a header sent here.
        shadow: Mirrored copies.
        share: Of the model's weighted requests since its weights last changed, 0 to 1.
        error_rate: Share of answers with status 5xx, 0 to 1.
        latency_p50_ms: Half of the answers took at most this long.
        latency_p99_ms: 99 of 100 answers took at most this long.
    """

    requests: int
    weighted: int
    direct: int
    shadow: int
    share: float | None
    error_rate: float | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class ReleaseStatus:
    """One deployed release.

    Weights are in percent, `weight` as git says and `live_weight` as Envoy has it; None where the
    release is not in the route.
    """

    release: str
    role: str
    state: str
    reason: str
    ready: int
    replicas: int
    restarts: int
    weight: float | None
    live_weight: float | None
    measured: Measured


@dataclass(frozen=True, slots=True)
class ShadowStatus:
    """The release that gets copies, and of how many percent of the requests."""

    release: str
    percent: float


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model; of its folder's commits `commit` is the one that is live, `wanted` the newest."""

    model: str
    sync: Sync
    sync_reason: str
    health: Health
    health_reason: str
    paused: bool
    commit: Commit | None
    wanted: Commit | None
    releases: tuple[ReleaseStatus, ...]
    shadow: ShadowStatus | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Who serves what, and where it listens.

    `source` tells a person which repository is followed, `started` is in ISO 8601, `traffic` and
    `page` are URLs, `state` is the folder for everything that is kept.
    """

    environment: str
    source: str
    pid: int
    started: str
    traffic: str
    page: str
    state: str


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The whole status; `seen` is the newest revision, `synced` the last that refused no model."""

    addresses: Addresses
    sync: Sync
    sync_reason: str
    seen: Commit | None
    synced: Commit | None
    findings: tuple[str, ...]
    fault: str
    window_s: float
    models: tuple[ModelStatus, ...]
    events: tuple[Event, ...]

    @property
    def well(self) -> bool:
        """Whether everything is Synced and Healthy."""
        return (
            self.sync is Sync.SYNCED
            and not self.fault
            and all(m.sync is Sync.SYNCED and m.health is Health.HEALTHY for m in self.models)
        )

    def model(self, name: str) -> ModelStatus | None:
        """The status of one model, or None."""
        return next((model for model in self.models if model.model == name), None)

    def to_json(self) -> dict[str, object]:
        """The status as JSON values, with the number of their format."""
        return {"format": FORMAT, "running": True, "well": self.well, **asdict(self)}


def encode(value: Mapping[str, object]) -> bytes:
    """Readable JSON, the same bytes for the same value."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
