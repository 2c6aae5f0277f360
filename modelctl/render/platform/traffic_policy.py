"""The BackendTrafficPolicy of a Gateway: how it treats every model, unless one says otherwise."""

import json

from modelctl.render.platform.metadata import ENVOY_GATEWAY_API, Object, metadata, targets
from modelctl.repo.kinds import Gateway

_MOST = 4096  # at once, of a route without a policy of its own
# A model server closes an idle connection after 5 s: the gateway does so before, or a request now
# and then meets one that is about to end.
_IDLE = "3s"
_RETRIES, _RETRIES_AT_ONCE = 5, 64
_UNAVAILABLE, _TIMED_OUT = 503, 504
_BUSY = "no replica of this release can take the request now"
_LATE = "the model did not answer in time"


def traffic_policy(gateway: Gateway) -> Object:
    """Requests that no server has seen are tried again; an endpoint that fails is left out a while.

    `panicThreshold` 0: a gateway never sends to endpoints that are not ready.
    """
    return {
        "apiVersion": ENVOY_GATEWAY_API,
        "kind": "BackendTrafficPolicy",
        "metadata": metadata(gateway, gateway.name),
        "spec": {
            "targetRefs": targets(gateway),
            "loadBalancer": {"type": "LeastRequest"},
            "retry": _retry(),
            "timeout": {
                "tcp": {"connectTimeout": "1s"},
                "http": {
                    "connectionIdleTimeout": _IDLE,
                    "requestTimeout": "30s",
                    "streamIdleTimeout": "300s",
                },
            },
            "circuitBreaker": _limits(),
            "healthCheck": {"panicThreshold": 0, "passive": _passive()},
            "connection": {"bufferLimit": "1Mi"},
            "responseOverride": [
                _override(_UNAVAILABLE, _BUSY, {"retry-after": "1"}),
                _override(_TIMED_OUT, _LATE, {}),
            ],
        },
    }


def _retry() -> Object:
    """Only what no server has seen.

    A replica that has ended refuses at once, so it looks least busy: one try after another may be
    for it, until it is left out. So many in a row hardly ever are.
    """
    return {
        "numRetries": _RETRIES,
        "retryOn": {"triggers": ["connect-failure", "refused-stream", "reset-before-request"]},
        "perRetry": {"backOff": {"baseInterval": "25ms", "maxInterval": "250ms"}},
    }


def _limits() -> Object:
    """All of them: the API server fills in 1024 for one that is left out.

    Until a replica that has ended is left out, which takes Envoy some milliseconds, every request
    that meets it is tried again: the budget has room for all of them, and a request that finds none
    fails. No server has seen what is tried again, so this adds no load.
    """
    return {
        "maxConnections": _MOST,
        "maxPendingRequests": _MOST,
        "maxParallelRequests": _MOST,
        "maxParallelRetries": _RETRIES_AT_ONCE,
        "retryBudget": {
            "percent": {"numerator": 100, "denominator": 100},
            "minRetryConcurrency": _RETRIES_AT_ONCE,
        },
    }


def _passive() -> Object:
    """Only what no server has answered counts: an error that a model gives is its answer."""
    return {
        "splitExternalLocalOriginErrors": True,
        "consecutiveLocalOriginFailures": 3,
        "consecutive5XxErrors": 0,
        "consecutiveGatewayErrors": 0,
        "interval": "2s",
        "baseEjectionTime": "5s",
        "maxEjectionPercent": 50,
    }


def _override(status: int, error: str, headers: dict[str, str]) -> Object:
    """An answer of the gateway's own, as JSON; one that a server gave is left alone."""
    settings = [{"name": name, "value": value} for name, value in headers.items()]
    return {
        "match": {"statusCodes": [{"type": "Value", "value": status}]},
        "source": "Local",
        "response": {
            "contentType": "application/json",
            **({"header": {"set": settings}} if settings else {}),
            "body": {
                "type": "Inline",
                "inline": json.dumps({"error": error}, separators=(",", ":")),
            },
        },
    }
