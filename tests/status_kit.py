"""Statuses of an engine as values, each with what a test does not care about filled in."""

from typing import Any

from modelctl.model.tensors import Contract, TensorSpec
from modelctl.repo.git import Commit
from modelctl.status.event import Event
from modelctl.status.values import (
    Addresses,
    EngineStatus,
    Health,
    Measured,
    ModelStatus,
    ReleaseStatus,
    Sync,
)

COMMIT = Commit("a" * 40, "Ann", "2026-01-01T10:00:00+00:00", "apps/m: Shift")
EVENT = Event("2026-01-01T10:00:01.000+00:00", "error", "m-r2-1 crashed", 3)
ADDRESSES = Addresses(
    environment="local",
    source="refs/heads/main of /r",
    pid=7,
    started="2026-01-01T09:00:00+00:00",
    traffic="http://127.0.0.1:8080",
    page="http://127.0.0.1:8081",
    state="/state",
)
CONTRACT = Contract((TensorSpec("x", "FP32", (-1, 1)),), (TensorSpec("y", "FP32", (-1, 1)),))
NOTHING = Measured(
    requests=0,
    weighted=0,
    direct=0,
    shadow=0,
    requests_per_s=0.0,
    share=None,
    error_rate=None,
    client_error_rate=None,
    latency_p50_ms=None,
    latency_p99_ms=None,
)
MEASURED = Measured(
    requests=1000,
    weighted=900,
    direct=60,
    shadow=40,
    requests_per_s=16.67,
    share=0.9123,
    error_rate=0.0015,
    client_error_rate=0.02,
    latency_p50_ms=1.25,
    latency_p99_ms=48.0,
)


def release(name: str = "r1", **changes: Any) -> ReleaseStatus:  # noqa: ANN401 - any field
    """A release that takes all requests and is well."""
    fields: dict[str, Any] = {
        "release": name,
        "role": "stable",
        "state": "Ready",
        "reason": "",
        "ready": 1,
        "replicas": 1,
        "restarts": 0,
        "started": "2026-01-01T09:00:00+00:00",
        "memory_bytes": 84_000_000,
        "image": "registry.example.com/modelserver@sha256:" + "e" * 64,
        "artifact_uri": f"https://models.example.com/m/{name}.onnx",
        "artifact_sha256": "c" * 64,
        "weight": 100.0,
        "live_weight": 100.0,
        "measured": MEASURED,
    }
    return ReleaseStatus(**fields | changes)


def broken(name: str = "r2", reason: str = "exit code 1", **changes: Any) -> ReleaseStatus:  # noqa: ANN401 - any field
    """A release that cannot start."""
    fields: dict[str, Any] = {
        "role": "canary",
        "state": "CrashLoopBackOff",
        "reason": reason,
        "ready": 0,
        "restarts": 4,
        "started": None,
        "memory_bytes": 0,
        "weight": 10.0,
        "live_weight": None,
        "measured": NOTHING,
    }
    return release(name, **fields | changes)


def model(name: str = "m", **changes: Any) -> ModelStatus:  # noqa: ANN401 - any field
    """A model that is Synced and Healthy."""
    fields: dict[str, Any] = {
        "model": name,
        "sync": Sync.SYNCED,
        "sync_reason": "",
        "health": Health.HEALTHY,
        "health_reason": "",
        "paused": False,
        "commit": COMMIT,
        "wanted": COMMIT,
        "contract": CONTRACT,
        "share_since": "2026-01-01T09:59:00+00:00",
        "releases": (release(),),
        "shadow": None,
        "events": (),
    }
    return ModelStatus(**fields | changes)


def degraded(name: str = "m", reason: str = "exit code 1", **changes: Any) -> ModelStatus:  # noqa: ANN401 - any field
    """A model whose canary cannot start."""
    fields: dict[str, Any] = {
        "health": Health.DEGRADED,
        "health_reason": f"r2: {reason}",
        "releases": (release(weight=90.0, live_weight=90.0), broken(reason=reason)),
        "events": (EVENT,),
    }
    return model(name, **fields | changes)


def engine(*models: ModelStatus, **changes: Any) -> EngineStatus:  # noqa: ANN401 - any field
    """The status of an engine that serves these models and has nothing to complain of."""
    fields: dict[str, Any] = {
        "addresses": ADDRESSES,
        "sync": Sync.SYNCED,
        "sync_reason": "",
        "seen": COMMIT,
        "synced": COMMIT,
        "findings": (),
        "fault": "",
        "window_s": 60.0,
        "models": models,
        "events": (),
    }
    return EngineStatus(**fields | changes)
