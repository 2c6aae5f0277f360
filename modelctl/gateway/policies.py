"""From the policies of Envoy Gateway to values; a field that is not known is refused.

The API server fills in defaults before Envoy Gateway reads a policy, and a merge takes them for the
policy's wish: so they are filled in here too, see `defaulted`.

Source: Envoy Gateway 1.9, BackendTrafficPolicy and ClientTrafficPolicy, and their CRDs' defaults.
"""

from collections.abc import Mapping
from typing import Any

from modelctl.gateway.fields import Field
from modelctl.gateway.httproute import header_settings, inline
from modelctl.gateway.values import (
    ActiveCheck,
    Answer,
    CircuitBreaker,
    ClientPolicy,
    Override,
    PassiveCheck,
    RateLimit,
    Retry,
    TrafficPolicy,
)

Spec = Mapping[str, Any]

_UNITS_S = {"Second": 1, "Minute": 60, "Hour": 3600}
_TRIGGERS = (
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "retriable-4xx",
    "refused-stream",
)
_BASE_INTERVAL_S, _MAX_INTERVAL_S = 0.025, 0.25  # Envoy's own, where a policy has none
_BALANCERS = ("LeastRequest", "RoundRobin", "Random")
# By the place of a mapping, what the CRD gives the fields that it lacks, wherever it is there.
_DEFAULTS: Mapping[tuple[str, ...], Spec] = {
    ("circuitBreaker",): dict.fromkeys(
        ("maxConnections", "maxPendingRequests", "maxParallelRequests", "maxParallelRetries"), 1024
    ),
    ("circuitBreaker", "retryBudget", "percent"): {"denominator": 100},
    ("healthCheck", "passive"): {
        "splitExternalLocalOriginErrors": False,
        "consecutiveLocalOriginFailures": 5,
        "consecutive5XxErrors": 5,
        "interval": "3s",
        "baseEjectionTime": "30s",
        "maxEjectionPercent": 10,
    },
    ("healthCheck", "active"): {
        "interval": "3s",
        "timeout": "1s",
        "unhealthyThreshold": 3,
        "healthyThreshold": 1,
    },
    ("retry",): {"numRetries": 2},
}


def defaulted(spec: Spec) -> dict[str, Any]:
    """A BackendTrafficPolicy's spec as the API server keeps it."""
    return _defaulted(spec, ())


def _defaulted(value: Spec, at: tuple[str, ...]) -> dict[str, Any]:
    filled = {**_DEFAULTS.get(at, {}), **value}
    return {
        key: _defaulted(item, (*at, key)) if isinstance(item, Mapping) else item
        for key, item in filled.items()
    }


def traffic_policy(spec: Field) -> TrafficPolicy:
    """What a BackendTrafficPolicy's spec says, its defaults filled in.

    Raises:
        ObjectError: It is malformed, or has a field that is not known here.
    """
    spec.only(
        "targetRefs", "mergeType", "loadBalancer", "retry", "timeout", "circuitBreaker",
        "healthCheck", "connection", "rateLimit", "responseOverride",
    )  # fmt: skip
    timeout = spec.get("timeout").only("tcp", "http")
    http = timeout.get("http").only("connectionIdleTimeout", "requestTimeout", "streamIdleTimeout")
    health = spec.get("healthCheck").only("panicThreshold", "passive", "active")
    balancer = spec.get("loadBalancer").only("type").get("type")
    return TrafficPolicy(
        load_balancer=balancer.word(*_BALANCERS, default="LeastRequest"),
        retry=_retry(spec.get("retry")),
        circuit_breaker=_circuit_breaker(spec.get("circuitBreaker")),
        panic_threshold_percent=_optional_whole(health.get("panicThreshold")),
        passive=_passive(health.get("passive")),
        active=_active(health.get("active")),
        connect_timeout_s=_seconds(timeout.get("tcp").only("connectTimeout"), "connectTimeout"),
        idle_timeout_s=_seconds(http, "connectionIdleTimeout"),
        request_timeout_s=_seconds(http, "requestTimeout"),
        stream_idle_timeout_s=_seconds(http, "streamIdleTimeout"),
        buffer_limit_bytes=_bytes(spec.get("connection").only("bufferLimit"), "bufferLimit"),
        rate_limit=_rate_limit(spec.get("rateLimit")),
        overrides=tuple(
            override
            for item in spec.get("responseOverride").items()
            for override in _overrides(item)
        ),
    )


def _retry(retry: Field) -> Retry | None:
    if not retry.is_set:
        return None
    retry.only("numRetries", "retryOn", "perRetry")
    triggers = retry.get("retryOn").only("triggers").get("triggers")
    per_retry = retry.get("perRetry").only("timeout", "backOff")
    back_off = per_retry.get("backOff").only("baseInterval", "maxInterval")
    if not triggers.is_set:
        raise triggers.error("a list of triggers")
    return Retry(
        triggers=tuple(item.word(*_TRIGGERS) for item in triggers.items()),
        tries=retry.get("numRetries").whole(),
        base_interval_s=_seconds(back_off, "baseInterval") or _BASE_INTERVAL_S,
        max_interval_s=_seconds(back_off, "maxInterval") or _MAX_INTERVAL_S,
        try_timeout_s=_seconds(per_retry, "timeout"),
    )


def _circuit_breaker(breaker: Field) -> CircuitBreaker | None:
    if not breaker.is_set:
        return None
    breaker.only(
        "maxConnections", "maxPendingRequests", "maxParallelRequests", "maxParallelRetries",
        "retryBudget",
    )  # fmt: skip
    budget = breaker.get("retryBudget").only("percent", "minRetryConcurrency")
    percent = budget.get("percent").only("numerator", "denominator")
    return CircuitBreaker(
        max_connections=breaker.get("maxConnections").whole(),
        max_pending_requests=breaker.get("maxPendingRequests").whole(),
        max_requests=breaker.get("maxParallelRequests").whole(),
        max_retries=breaker.get("maxParallelRetries").whole(),
        retry_budget_percent=_fraction_percent(percent) if percent.is_set else None,
        min_retry_concurrency=_optional_whole(budget.get("minRetryConcurrency")),
    )


def _fraction_percent(fraction: Field) -> float:
    denominator = fraction.get("denominator")
    if denominator.whole() == 0:
        raise denominator.error("at least 1")
    return 100 * fraction.get("numerator").whole() / denominator.whole()


def _passive(check: Field) -> PassiveCheck | None:
    if not check.is_set:
        return None
    check.only(
        "splitExternalLocalOriginErrors", "consecutiveLocalOriginFailures", "consecutive5XxErrors",
        "consecutiveGatewayErrors", "interval", "baseEjectionTime", "maxEjectionPercent",
    )  # fmt: skip
    return PassiveCheck(
        split_external_local_origin_errors=check.get("splitExternalLocalOriginErrors").flag(
            default=False
        ),
        consecutive_local_origin_failures=check.get("consecutiveLocalOriginFailures").whole(),
        consecutive_5xx=check.get("consecutive5XxErrors").whole(),
        consecutive_gateway_errors=check.get("consecutiveGatewayErrors").whole(default=0),
        interval_s=check.get("interval").seconds(),
        base_ejection_s=check.get("baseEjectionTime").seconds(),
        max_ejection_percent=check.get("maxEjectionPercent").whole(),
    )


def _active(check: Field) -> ActiveCheck | None:
    if not check.is_set:
        return None
    check.only("type", "http", "interval", "timeout", "unhealthyThreshold", "healthyThreshold")
    check.get("type").word("HTTP")
    http = check.get("http").only("path", "expectedStatuses")
    return ActiveCheck(
        path=http.get("path").text(),
        statuses=tuple(item.whole() for item in http.get("expectedStatuses").items()) or (200,),
        interval_s=check.get("interval").seconds(),
        timeout_s=check.get("timeout").seconds(),
        unhealthy_threshold=check.get("unhealthyThreshold").whole(),
        healthy_threshold=check.get("healthyThreshold").whole(),
    )


def _rate_limit(limit: Field) -> RateLimit | None:
    """One limit for all requests; which ones it counts cannot be chosen here."""
    if not limit.is_set:
        return None
    limit.only("type", "local").get("type").word("Local")
    rules = list(limit.get("local").only("rules").get("rules").items())
    if len(rules) != 1:
        raise limit.get("local", "rules").error("a list of one rule")
    rules[0].only("limit", "xRateLimitHeaders").get("xRateLimitHeaders").word("Off", default="Off")
    found = rules[0].get("limit").only("requests", "unit")
    unit = found.get("unit").word(*_UNITS_S)
    return RateLimit(found.get("requests").whole(), _UNITS_S[unit])


def _overrides(item: Field) -> list[Override]:
    """One override for each status: an answer keeps the status that it had."""
    item.only("match", "source", "response").get("source").word("Local")
    response = item.get("response").only("contentType", "header", "body")
    found = []
    for code in item.get("match").only("statusCodes").get("statusCodes").items():
        code.only("type", "value").get("type").word("Value", default="Value")
        status = code.get("value").whole()
        answer = Answer(
            status=status,
            body=inline(response.get("body")),
            content_type=response.get("contentType").text(),
            headers=header_settings(response.get("header")),
        )
        found.append(Override((status,), answer))
    return found


def client_policy(spec: Field) -> ClientPolicy:
    """What a ClientTrafficPolicy's spec says.

    What it says about TLS is left to listeners that speak it: the one of `modelctl up` does not.

    Raises:
        ObjectError: It is malformed, or has a field that is not known here.
    """
    spec.only("targetRefs", "headers", "path", "connection", "timeout", "http2", "tls")
    spec.get("tls").only("minVersion", "alpnProtocols")
    return ClientPolicy(
        **_client_headers(spec.get("headers")),
        **_client_paths(spec.get("path")),
        **_client_connections(spec.get("connection"), spec.get("http2")),
        **_client_timeouts(spec.get("timeout")),
    )


def _client_headers(headers: Field) -> dict[str, Any]:
    headers.only("requestID", "withUnderscoresAction", "earlyRequestHeaders")
    early = headers.get("earlyRequestHeaders").only("remove").get("remove")
    return {
        "request_id": headers.get("requestID").word(
            "PreserveOrGenerate", "Preserve", "Generate", "Disable", default="Generate"
        ),
        "underscores": headers.get("withUnderscoresAction").word(
            "Allow", "RejectRequest", "DropHeader", default="RejectRequest"
        ),
        "removed_headers": tuple(item.text().lower() for item in early.items()),
    }


def _client_paths(path: Field) -> dict[str, Any]:
    path.only("escapedSlashesAction", "disableMergeSlashes")
    kept = ("KeepUnchanged", "RejectRequest", "UnescapeAndForward", "UnescapeAndRedirect")
    return {
        "escaped_slashes": path.get("escapedSlashesAction").word(*kept, default=kept[-1]),
        "merge_slashes": not path.get("disableMergeSlashes").flag(default=False),
    }


def _client_connections(connection: Field, http2: Field) -> dict[str, Any]:
    connection.only("bufferLimit", "connectionLimit")
    http2.only("maxConcurrentStreams", "initialStreamWindowSize", "initialConnectionWindowSize")
    limit = connection.get("connectionLimit").only("value")
    return {
        "buffer_limit_bytes": _bytes(connection, "bufferLimit"),
        "connection_limit": _optional_whole(limit, "value"),
        "max_concurrent_streams": _optional_whole(http2, "maxConcurrentStreams"),
        "initial_stream_window_bytes": _bytes(http2, "initialStreamWindowSize"),
        "initial_connection_window_bytes": _bytes(http2, "initialConnectionWindowSize"),
    }


def _client_timeouts(timeout: Field) -> dict[str, Any]:
    timeout.only("http", "tcp").get("tcp").only("tlsHandshakeTimeout")
    fields = {
        "headers_timeout_s": "requestHeadersReceivedTimeout",
        "request_timeout_s": "requestReceivedTimeout",
        "idle_timeout_s": "idleTimeout",
        "stream_idle_timeout_s": "streamIdleTimeout",
    }
    http = timeout.get("http").only(*fields.values())
    return {name: _seconds(http, key) for name, key in fields.items()}


def _optional_whole(field: Field, *keys: str) -> int | None:
    found = field.get(*keys)
    return found.whole() if found.is_set else None


def _seconds(field: Field, key: str) -> float | None:
    found = field.get(key)
    return found.seconds() if found.is_set else None


def _bytes(field: Field, key: str) -> int | None:
    found = field.get(key)
    return found.quantity() if found.is_set else None
