"""The BackendTrafficPolicy of a model: what its own numbers say, laid over the Gateway's."""

from collections.abc import Sequence
from typing import Any

from modelctl.render.v1 import budgets, metadata
from modelctl.render.v2 import route
from modelctl.repo.kinds import Model, Release, Scale

_SPARE_REPLICAS = 1  # of a rollout, whose new pod serves beside the old ones
_RETRIES_AT_ONCE = 64  # a bound where no budget holds; the Gateway's policy has one


def traffic_policy(model: Model, releases: Sequence[Release], scale: Scale) -> dict[str, Any]:
    """As much at once as all replicas of what is deployed may take; what is past it is refused.

    All four limits are there: one that is left out becomes 1,024, whatever the Gateway's says.
    Pending counts requests that wait for a new connection too, so it is no less than the others.
    """
    replicas = scale.max + _SPARE_REPLICAS
    most = sum(release.runtime.max_inflight for release in releases) * replicas
    names = (model.name, route.grpc_name(model.name))
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "BackendTrafficPolicy",
        "metadata": metadata.model_metadata(model, component="route"),
        "spec": {
            "targetRefs": [
                {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name}
                for name in names
            ],
            "mergeType": "StrategicMerge",
            "circuitBreaker": {
                "maxConnections": most,
                "maxPendingRequests": most,
                "maxParallelRequests": most,
                "maxParallelRetries": _RETRIES_AT_ONCE,
            },
            "timeout": {"http": {"requestTimeout": f"{budgets.request_timeout_s(model)}s"}},
        },
    }
