"""The status of the local engine as values: what the page, the command and the file all show."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from modelctl.model.tensors import Contract
from modelctl.repo.git import Commit
from modelctl.status.event import Event

FORMAT = 2  # of the JSON; counts up when a field changes its meaning
_MANY_ERRORS = 0.01  # one answer in a hundred: worth looking at before what is well


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
        requests_per_s: The same by second.
        share: Of the model's weighted requests since `share_since`, 0 to 1.
        error_rate: Share of answers with status 5xx, 0 to 1.
        client_error_rate: Share of answers with status 4xx, 0 to 1.
        latency_p50_ms: Half of the answers took at most this long.
        latency_p99_ms: 99 of 100 answers took at most this long.
    """

    requests: int
    weighted: int
    direct: int
    shadow: int
    requests_per_s: float
    share: float | None
    error_rate: float | None
    client_error_rate: float | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class ReleaseStatus:
    """One deployed release.

    Attributes:
        release: Its name.
        role: `stable`, `canary` or `shadow`; empty where the route does not name it.
        state: The worst of its servers' states, or `Ready`.
        reason: Why it is in that state; empty where nothing is wrong.
        ready: How many of its servers answer requests.
        replicas: How many there are to be.
        restarts: How often its servers were started again.
        started: When the oldest of its servers that run started, in ISO 8601.
        memory_bytes: Memory that its servers have in use now, all of them together.
        image: The server image that a cluster would run.
        artifact_uri: Where its model file comes from.
        artifact_sha256: The digest of that file.
        weight: Percent of the requests that git gives it; None where it is not in the route.
        live_weight: The same, as the requests are shared now.
        measured: What was measured of it.
    """

    release: str
    role: str
    state: str
    reason: str
    ready: int
    replicas: int
    restarts: int
    started: str | None
    memory_bytes: int
    image: str
    artifact_uri: str
    artifact_sha256: str
    weight: float | None
    live_weight: float | None
    measured: Measured


@dataclass(frozen=True, slots=True)
class ShadowStatus:
    """The release that gets copies.

    Attributes:
        release: Its name.
        percent: Of how many percent of the requests.
    """

    release: str
    percent: float


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model.

    Attributes:
        model: Its name.
        sync: Whether what runs of it is what git says.
        sync_reason: Why not; empty if it is.
        health: Whether what runs of it is well.
        health_reason: Why not; empty if it is.
        paused: Whether its serving file says `paused: true`.
        commit: The last commit of its folder that is live.
        wanted: The newest commit of its folder.
        contract: The inputs and outputs that it promises; None while that is unknown.
        share_since: Since when shares are counted, in ISO 8601: since its weights changed last;
            None where nothing is live.
        releases: What is deployed of it.
        shadow: The release that gets copies, if there is one.
        events: What happened to it, newest first.
    """

    model: str
    sync: Sync
    sync_reason: str
    health: Health
    health_reason: str
    paused: bool
    commit: Commit | None
    wanted: Commit | None
    contract: Contract | None
    share_since: str | None
    releases: tuple[ReleaseStatus, ...]
    shadow: ShadowStatus | None
    events: tuple[Event, ...]

    @property
    def rank(self) -> int:
        """Its place in a list that begins with what is broken; 0 is the worst."""
        rates = (release.measured.error_rate or 0 for release in self.releases)
        return rank(self.sync, self.health, max(rates, default=0))


def rank(sync: str, health: str, error_rate: float) -> int:
    """The place of a model in a list that begins with what is broken; 0 is the worst."""
    signs = (
        health == Health.DEGRADED,
        health == Health.MISSING,
        sync != Sync.SYNCED,
        health != Health.HEALTHY,
        error_rate >= _MANY_ERRORS,
        True,
    )
    return signs.index(True)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Who serves what, and where it listens.

    Attributes:
        environment: The environment that is served.
        source: Which repository is followed, for a person.
        pid: The process of the engine.
        started: When it started, in ISO 8601.
        traffic: The URL that predictions are asked at.
        page: The URL of the status page.
        state: The folder for everything that is kept.
        commits: The URL of a commit's page, but for the commit's id at its end; empty if unknown.
    """

    environment: str
    source: str
    pid: int
    started: str
    traffic: str
    page: str
    state: str
    commits: str = ""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The whole status.

    Attributes:
        addresses: Who serves what, and where it listens.
        sync: Whether everything that runs is what git says.
        sync_reason: Why not; empty if it is.
        seen: The newest revision.
        synced: The last revision that refused no model.
        findings: What `modelctl check` finds in the newest revision.
        fault: What keeps the engine itself from working; empty for nothing.
        window_s: Over how many seconds requests, errors and latencies are measured.
        models: Every model, by name.
        events: What happened to no single model, newest first.
    """

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
