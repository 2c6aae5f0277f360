"""Routes and policies of a gateway as values, without any behaviour.

They hold what the Gateway API and Envoy Gateway have fields for and this project renders. The local
engine makes Envoy's configuration of them, the simulator answers requests by them.

Source: Gateway API v1, HTTPRoute; Envoy Gateway 1.9, BackendTrafficPolicy, ClientTrafficPolicy and
HTTPRouteFilter.
"""

from dataclasses import dataclass
from enum import StrEnum


class Comparison(StrEnum):
    """How the value of a header is compared: `REGEX` matches the whole value."""

    EXACT = "Exact"
    REGEX = "RegularExpression"


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """A header that a request must have; `name` is in lower case."""

    name: str
    value: str
    comparison: Comparison = Comparison.EXACT


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a rule takes: a path (exact, or as whole leading elements), headers, method.

    An empty `method` takes any.
    """

    path: str
    exact: bool = False
    headers: tuple[HeaderMatch, ...] = ()
    method: str = ""


@dataclass(frozen=True, slots=True)
class Backend:
    """A Service and port, its weight in its rule, and the headers set on the way there alone."""

    service: str
    port: int
    weight: int
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Mirror:
    """A Service and port that get copies of `per_million` in a million requests."""

    service: str
    port: int
    per_million: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that the gateway gives itself; without a `content_type`, of the type Envoy says."""

    status: int
    body: str
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One rule of an HTTPRoute: what it takes, and where that goes, or what is answered.

    `headers` are set on every request that it takes. A timeout of 0 stands for no limit, None for
    the gateway's own.
    """

    name: str
    matches: tuple[Match, ...]
    backends: tuple[Backend, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    answer: Answer | None = None
    timeout_s: float | None = None
    try_timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTPRoute: the hosts that it is for, and its rules in the order of the object."""

    namespace: str
    name: str
    hostnames: tuple[str, ...]
    rules: tuple[RouteRule, ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """When, and how often, a request is tried again; triggers are Envoy's `retry_on` words."""

    triggers: tuple[str, ...]
    tries: int
    base_interval_s: float
    max_interval_s: float
    try_timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """How much may be open at once to the endpoints of a rule; a budget replaces `max_retries`."""

    max_connections: int
    max_pending_requests: int
    max_requests: int
    max_retries: int
    retry_budget_percent: float | None = None
    min_retry_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class PassiveCheck:
    """Which endpoints are left out for a while because requests to them failed."""

    split_external_local_origin_errors: bool
    consecutive_local_origin_failures: int
    consecutive_5xx: int
    consecutive_gateway_errors: int
    interval_s: float
    base_ejection_s: float
    max_ejection_percent: int


@dataclass(frozen=True, slots=True)
class ActiveCheck:
    """How the gateway itself asks endpoints whether they are well."""

    path: str
    statuses: tuple[int, ...]
    interval_s: float
    timeout_s: float
    unhealthy_threshold: int
    healthy_threshold: int


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `requests` in `unit_s` seconds, counted by each process of the gateway."""

    requests: int
    unit_s: int


@dataclass(frozen=True, slots=True)
class Override:
    """What the gateway answers instead of an answer of its own that has one of these statuses."""

    statuses: tuple[int, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class TrafficPolicy:
    """A BackendTrafficPolicy, merged: how the gateway treats backends. None is Envoy's own default.

    Times are in seconds, `buffer_limit_bytes` is for each connection.
    """

    load_balancer: str = "LeastRequest"
    retry: Retry | None = None
    circuit_breaker: CircuitBreaker | None = None
    panic_threshold_percent: int | None = None
    passive: PassiveCheck | None = None
    active: ActiveCheck | None = None
    connect_timeout_s: float | None = None
    idle_timeout_s: float | None = None
    request_timeout_s: float | None = None
    stream_idle_timeout_s: float | None = None
    buffer_limit_bytes: int | None = None
    rate_limit: RateLimit | None = None
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """A ClientTrafficPolicy: what callers may send, and for how long. None is Envoy's default."""

    request_id: str = "Generate"
    underscores: str = "Allow"
    removed_headers: tuple[str, ...] = ()
    escaped_slashes: str = "UnescapeAndRedirect"
    merge_slashes: bool = True
    buffer_limit_bytes: int | None = None
    connection_limit: int | None = None
    headers_timeout_s: float | None = None
    request_timeout_s: float | None = None
    idle_timeout_s: float | None = None
    stream_idle_timeout_s: float | None = None
    max_concurrent_streams: int | None = None
    initial_stream_window_bytes: int | None = None
    initial_connection_window_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Gateway:
    """What holds for all models: callers, the default for backends, routes that are no model's."""

    clients: ClientPolicy
    backends: TrafficPolicy
    routes: tuple[Route, ...] = ()
