"""The model server's container: settings, probes, resources and what it may touch."""

from typing import Any

from modelctl.render.v2 import artifact, budgets, stores
from modelctl.render.v2.settings import CACHE_FOLDER, MIRROR_PORT, PORT, variables
from modelctl.repo.kinds import Environment, Model, Release

PORT_NAME = "http"
MIRROR_PORT_NAME = "mirror"
_STARTUP_PERIOD_S = 2  # short, so that a quick start is seen quickly


def container(model: Model, release: Release, environment: Environment) -> dict[str, Any]:
    """The only container of a release's pods."""
    return {
        "name": "server",
        **({"image": release.image} if release.image else {}),
        "imagePullPolicy": "IfNotPresent",
        "env": variables(model, release, environment),
        **stores.env_from(environment.stores),
        "ports": [
            {"name": PORT_NAME, "containerPort": PORT, "protocol": "TCP"},
            {"name": MIRROR_PORT_NAME, "containerPort": MIRROR_PORT, "protocol": "TCP"},
        ],
        **_probes(model, release),
        "lifecycle": {"preStop": {"sleep": {"seconds": budgets.ENDPOINT_REMOVAL_S}}},
        "resources": _resources(release),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "cache", "mountPath": CACHE_FOLDER},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
            *artifact.mounts(release, environment),
            *stores.mounts(environment.stores),
        ],
    }


def _probes(model: Model, release: Release) -> dict[str, Any]:
    """Three endpoints for three questions.

    Startup asks whether the model is loaded, warmed and verified. Readiness asks whether to send
    requests now, and turns false while draining. Liveness asks only whether the process still
    answers, so that overload or a slow model never becomes a restart.
    """
    loaded = f"/v2/models/{model.name}/versions/{release.id}/ready"
    attempts = -(-budgets.startup_s(release) // _STARTUP_PERIOD_S)
    return {
        "startupProbe": _probe(loaded, period_s=_STARTUP_PERIOD_S, timeout_s=2, failures=attempts),
        "readinessProbe": _probe("/v2/health/ready", period_s=5, timeout_s=2, failures=2),
        "livenessProbe": _probe("/v2/health/live", period_s=10, timeout_s=5, failures=6),
    }


def _probe(path: str, *, period_s: int, timeout_s: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": PORT_NAME, "scheme": "HTTP"},
        "periodSeconds": period_s,
        "timeoutSeconds": timeout_s,
        "successThreshold": 1,
        "failureThreshold": failures,
    }


def _resources(release: Release) -> dict[str, Any]:
    """Requests equal to limits.

    For memory, so that a full node never evicts a loaded model. For CPU, so that a release is
    measured at weight 5 with what it will have at weight 100, rather than with whatever its
    neighbours leave idle; the server runs as many threads as the release asks for.
    """
    resources = release.resources
    amounts = {
        "cpu": resources.cpu,
        "memory": resources.memory,
        "ephemeral-storage": f"{budgets.disk_mib(release)}Mi",
    }
    if resources.gpu:
        amounts[resources.gpu.resource] = str(resources.gpu.count)
    return {"requests": amounts, "limits": dict(amounts)}
