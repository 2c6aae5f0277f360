"""Time and space that a pod gets, each derived from what it has to do in it.

Seconds are whole, sizes are in MiB. Everything is a function of the release alone: a change of
weights, of another release or of the model's own file never restarts a pod.
"""

from collections.abc import Iterable
from math import ceil

from modelctl.repo.kinds import Release

_MIB = 1 << 20

# Starting: a fetch at a rate that a busy network still gives, then loading, warming up and
# replaying the recorded cases. TensorRT compiles its engines on the first load.
_FETCH_BYTES_PER_S = 20 * _MIB
_LOAD_S = {"cpu": 40, "cuda": 80, "tensorrt": 600}
_SAFETY_FACTOR = 1.5
_SCHEDULE_AND_PULL_S = 300  # a node takes the pod and pulls the image

# Stopping, in this order.
ENDPOINT_REMOVAL_S = 5  # the kubelet holds SIGTERM back while the proxies drop the endpoint
DRAIN_DELAY_S = 5  # the server is unready but still accepts, for proxies that check its health
_EXIT_S = 5  # the process has answered everything and ends

# Room beside the artifact: temporary files, the cache's own, container logs.
TMP_MIB = 64
_CACHE_SLACK_MIB = 64
_LOGS_MIB = 64


def request_timeout_s(releases: Iterable[Release]) -> int:
    """How long the gateway waits for an answer that any of these releases may give."""
    return max(release.runtime.request_timeout_s for release in releases)


def server_grace_s(release: Release) -> int:
    """From SIGTERM until the server has answered the last request it may have accepted."""
    return DRAIN_DELAY_S + release.runtime.request_timeout_s


def termination_grace_s(release: Release) -> int:
    """From the deletion of a pod until the kubelet may kill it."""
    return ENDPOINT_REMOVAL_S + server_grace_s(release) + _EXIT_S


def startup_s(release: Release) -> int:
    """From the start of a container until it must be ready: half as long again as expected."""
    fetch_s = release.artifact.size_bytes / _FETCH_BYTES_PER_S
    load_s = max(_LOAD_S.get(provider, 0) for provider in release.runtime.providers)
    return ceil(_SAFETY_FACTOR * (fetch_s + load_s))


def progress_deadline_s(release: Release) -> int:
    """Until a rollout without a new ready pod counts as failed: start, scheduling, image pull."""
    return startup_s(release) + _SCHEDULE_AND_PULL_S


def cache_mib(release: Release) -> int:
    """Disk for the artifact: twice its size, since a restarted fetch may find a part of the old.

    Engines that TensorRT keeps there take about as much again.
    """
    keeps_engines = release.runtime.provider_options.get("tensorrt", {}).get(
        "trt_engine_cache_enable", False
    )
    copies = 3 if keeps_engines else 2
    return ceil(copies * release.artifact.size_bytes / _MIB) + _CACHE_SLACK_MIB


def disk_mib(release: Release) -> int:
    """All local disk of a pod: artifact cache, temporary files and container logs."""
    return cache_mib(release) + TMP_MIB + _LOGS_MIB
