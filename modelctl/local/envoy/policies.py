"""What Envoy Gateway makes of a policy for backends, as parts of Envoy's clusters and routes.

Source: Envoy Gateway 1.9, internal/xds/translator; Envoy v3 API.
"""

from typing import Any

from modelctl.gateway.values import (
    ActiveCheck,
    CircuitBreaker,
    Override,
    PassiveCheck,
    RateLimit,
    Retry,
    TrafficPolicy,
)

Json = dict[str, Any]

TYPE = "type.googleapis.com/envoy."  # begins the name of every type in Envoy's API
OVERRIDES = "envoy.filters.http.custom_response"
RATE_LIMIT = "envoy.filters.http.local_ratelimit"
# What Envoy Gateway writes where a policy says nothing.
_CONNECT_TIMEOUT_S = 10.0
_BUFFER_LIMIT_BYTES = 32768
_MAX_RETRIES = 1024
_MIN_RETRY_CONCURRENCY = 3
_STREAM_IDLE_S = 3600.0
_BALANCERS = {
    "LeastRequest": ("least_request", "LeastRequest"),
    "RoundRobin": ("round_robin", "RoundRobin"),
    "Random": ("random", "Random"),
}


def seconds(value: float) -> str:
    """A duration as Envoy reads it."""
    return f"{value:.3f}s"


def headers(pairs: tuple[tuple[str, str], ...]) -> list[Json]:
    """Headers that replace any of the same name; a value is text, never one of Envoy's formats."""
    return [
        {
            "header": {"key": name, "value": value.replace("%", "%%")},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
        for name, value in pairs
    ]


def of_cluster(policy: TrafficPolicy) -> Json:
    """What a policy adds to a cluster."""
    name, kind = _BALANCERS[policy.load_balancer]
    balancer = TYPE + f"extensions.load_balancing_policies.{name}.v3.{kind}"
    weighted: Json = {"locality_lb_config": {"locality_weighted_lb_config": {}}}
    part: Json = {
        "connect_timeout": seconds(policy.connect_timeout_s or _CONNECT_TIMEOUT_S),
        "per_connection_buffer_limit_bytes": policy.buffer_limit_bytes or _BUFFER_LIMIT_BYTES,
        "load_balancing_policy": {
            "policies": [
                {
                    "typed_extension_config": {
                        "name": f"envoy.load_balancing_policies.{name}",
                        "typed_config": {
                            "@type": balancer,
                            **({} if policy.load_balancer == "Random" else weighted),
                        },
                    }
                }
            ]
        },
        "circuit_breakers": {"thresholds": [_limits(policy.circuit_breaker)]},
    }
    if policy.panic_threshold_percent is not None:
        panic = {"value": policy.panic_threshold_percent}
        part["common_lb_config"] = {"healthy_panic_threshold": panic}
    if policy.passive is not None:
        part["outlier_detection"] = _passive(policy.passive)
    if policy.active is not None:
        part["health_checks"] = [_active(policy.active)]
    if policy.idle_timeout_s is not None:
        options = TYPE + "extensions.upstreams.http.v3.HttpProtocolOptions"
        part["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": options,
                "common_http_protocol_options": {"idle_timeout": seconds(policy.idle_timeout_s)},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        }
    return part


def of_action(policy: TrafficPolicy, timeout_s: float | None, *, listener_idles: bool) -> Json:
    """What a policy adds to the action of a route whose own timeout is `timeout_s`.

    `listener_idles` tells that the listener has a bound for idle streams.
    """
    timeout_s = policy.request_timeout_s if timeout_s is None else timeout_s
    part: Json = {} if timeout_s is None else {"timeout": seconds(timeout_s)}
    if policy.stream_idle_timeout_s is not None:
        part["idle_timeout"] = seconds(policy.stream_idle_timeout_s)
    elif timeout_s is not None and not listener_idles:
        part["idle_timeout"] = seconds(max(_STREAM_IDLE_S, timeout_s) if timeout_s else 0)
    if policy.retry is not None:
        part["retry_policy"] = _retry(policy.retry)
    return part


def of_route(policy: TrafficPolicy, gateway: TrafficPolicy) -> Json:
    """The settings of filters in which the routes of a policy differ from the gateway's others."""
    part: Json = {}
    if policy.overrides != gateway.overrides:
        part[OVERRIDES] = overrides(policy.overrides)
    if policy.rate_limit != gateway.rate_limit and policy.rate_limit is not None:
        part[RATE_LIMIT] = rate_limit(policy.rate_limit)
    return {"typed_per_filter_config": part} if part else {}


def of_host(gateway: TrafficPolicy) -> Json:
    """The settings of filters for all routes."""
    part: Json = {}
    if gateway.overrides:
        part[OVERRIDES] = overrides(gateway.overrides)
    if gateway.rate_limit is not None:
        part[RATE_LIMIT] = rate_limit(gateway.rate_limit)
    return {"typed_per_filter_config": part} if part else {}


def overrides(rules: tuple[Override, ...]) -> Json:
    """Answers of Envoy's own that are replaced, by status."""
    config = TYPE + "extensions.filters.http.custom_response.v3.CustomResponse"
    if not rules:
        return {"@type": config}
    matchers = [
        {
            "predicate": {"and_matcher": {"predicate": [_statuses(rule.statuses), _own_answer()]}},
            "on_match": {"action": {"name": f"override-{place}", "typed_config": _replaced(rule)}},
        }
        for place, rule in enumerate(rules)
    ]
    return {"@type": config, "custom_response_matcher": {"matcher_list": {"matchers": matchers}}}


def rate_limit(limit: RateLimit) -> Json:
    """A bucket that every worker takes from."""
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        "@type": TYPE + "extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "http_local_rate_limiter",
        "token_bucket": {
            "max_tokens": limit.requests,
            "tokens_per_fill": limit.requests,
            "fill_interval": seconds(limit.unit_s),
        },
        "filter_enabled": always,
        "filter_enforced": always,
    }


def _limits(breaker: CircuitBreaker | None) -> Json:
    if breaker is None:
        return {"max_retries": _MAX_RETRIES}
    limits: Json = {
        "max_connections": breaker.max_connections,
        "max_pending_requests": breaker.max_pending_requests,
        "max_requests": breaker.max_requests,
        "max_retries": breaker.max_retries,
    }
    if breaker.retry_budget_percent is not None:
        limits["retry_budget"] = {
            "budget_percent": {"value": breaker.retry_budget_percent},
            "min_retry_concurrency": breaker.min_retry_concurrency or _MIN_RETRY_CONCURRENCY,
        }
    return limits


def _passive(check: PassiveCheck) -> Json:
    return {
        "split_external_local_origin_errors": check.split_external_local_origin_errors,
        "consecutive_local_origin_failure": check.consecutive_local_origin_failures,
        "consecutive_5xx": check.consecutive_5xx,
        "consecutive_gateway_failure": check.consecutive_gateway_errors,
        "enforcing_consecutive_gateway_failure": 100,
        "interval": seconds(check.interval_s),
        "base_ejection_time": seconds(check.base_ejection_s),
        "max_ejection_percent": check.max_ejection_percent,
    }


def _active(check: ActiveCheck) -> Json:
    ranges = [{"start": status, "end": status + 1} for status in sorted(check.statuses)]
    return {
        "timeout": seconds(check.timeout_s),
        "interval": seconds(check.interval_s),
        "unhealthy_threshold": check.unhealthy_threshold,
        "healthy_threshold": check.healthy_threshold,
        "http_health_check": {
            "path": check.path,
            **({"expected_statuses": ranges} if ranges else {}),
        },
    }


def _retry(retry: Retry) -> Json:
    """Retries go to another endpoint where there is one."""
    hosts = TYPE + "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    policy: Json = {
        "retry_on": ",".join(retry.triggers),
        "num_retries": retry.tries,
        "retry_back_off": {
            "base_interval": seconds(retry.base_interval_s),
            "max_interval": seconds(retry.max_interval_s),
        },
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {"@type": hosts},
            }
        ],
        "host_selection_retry_max_attempts": 5,
    }
    if retry.try_timeout_s:
        policy["per_try_timeout"] = seconds(retry.try_timeout_s)
    return policy


def _statuses(statuses: tuple[int, ...]) -> Json:
    each = [_equals("HttpResponseStatusCodeMatchInput", str(status)) for status in statuses]
    return each[0] if len(each) == 1 else {"or_matcher": {"predicate": each}}


def _own_answer() -> Json:
    return _equals("HttpResponseLocalReplyMatchInput", "true")


def _equals(source: str, value: str) -> Json:
    config = {"@type": f"{TYPE}type.matcher.v3.{source}"}
    found = {"name": source, "typed_config": config}
    return {"single_predicate": {"input": found, "value_match": {"exact": value}}}


def _replaced(rule: Override) -> Json:
    answer = rule.answer
    policy = TYPE + "extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy"
    return {
        "@type": policy,
        "status_code": answer.status,
        "body_format": {"text_format_source": {"inline_string": answer.body.replace("%", "%%")}},
        "response_headers_to_add": headers(
            (("content-type", answer.content_type), *answer.headers)
        ),
    }
