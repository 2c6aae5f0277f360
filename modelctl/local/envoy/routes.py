"""Envoy's routes: a virtual host for each host name, in the order in which the Gateway API decides.

Of several rules that take a request it is an exact path first, then the longer path, then one with
a method, then more headers, then the older route, here the first by name, then the order in it.

Source: Envoy v3 API; Gateway API v1, HTTPRouteRule precedence.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from modelctl.gateway.values import (
    Answer,
    Comparison,
    Gateway,
    HeaderMatch,
    Match,
    Route,
    RouteRule,
    TrafficPolicy,
)
from modelctl.local.envoy.clusters import (
    Services,
    backend_cluster,
    by_backend,
    hosts_of,
    mirror_cluster,
    rule_cluster,
)
from modelctl.local.envoy.defaults import said, starting
from modelctl.local.envoy.policies import (
    OVERRIDES,
    TYPE,
    Json,
    headers,
    of_action,
    of_host,
    of_route,
)
from modelctl.local.plan.values import Published

ROUTES = "models"  # names the listener, its route configuration and its statistics
_NO_ENDPOINTS = "no-endpoints"  # a cluster that is never there: Envoy answers 503
_NO_WEIGHT = said(500, "every backend of this route has weight 0")
_ANY_HOST = "*"
# What people call this machine, which has no name of the environment's in any DNS.
_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A route with what it answers by, and where it stands among others."""

    route: Route
    policy: TrafficPolicy
    is_own: bool  # an answer of the engine's own, which no policy changes


def route_configuration(
    published: Mapping[str, Published], services: Services, gateway: Gateway
) -> Json:
    """The routes of every model and of the gateway itself."""
    entries = [_Entry(route, gateway.backends, is_own=False) for route in gateway.routes]
    hosts = tuple(dict.fromkeys(h for r in gateway.routes for h in r.hostnames)) or (_ANY_HOST,)
    for model, found in published.items():
        entries += [
            _Entry(route, found.policy(route) or gateway.backends, is_own=False)
            for route in found.routes
        ]
        if not found.routes:
            entries.append(_Entry(starting(model, hosts), gateway.backends, is_own=True))
    made = {id(entry): tuple(_routes(entry, services, gateway)) for entry in entries}
    return {
        "@type": TYPE + "config.route.v3.RouteConfiguration",
        "name": ROUTES,
        "ignore_port_in_host_matching": True,
        "virtual_hosts": [
            {
                "name": names[0],
                "domains": names,
                "routes": [
                    route
                    for _, route in sorted(
                        (each for entry in those for each in made[id(entry)]),
                        key=lambda each: each[0],
                    )
                ],
                **of_host(gateway.backends),
            }
            for names, those in _by_host(entries, hosts)
        ],
    }


def _by_host(
    entries: Iterable[_Entry], all_hosts: tuple[str, ...]
) -> Iterator[tuple[list[str], list[_Entry]]]:
    """The host names that have the same entries, with these.

    The names of this machine stand for the first host, which is the environment's.
    """
    by_host: dict[str, list[_Entry]] = {}
    for entry in entries:
        own = all_hosts if _ANY_HOST in all_hosts else entry.route.hostnames or all_hosts
        for host in dict.fromkeys(name for each in own for name in _names(each, all_hosts[0])):
            by_host.setdefault(host, []).append(entry)
    alike: dict[tuple[int, ...], list[str]] = {}
    for host, those in sorted(by_host.items()):
        alike.setdefault(tuple(map(id, those)), []).append(host)
    for names in alike.values():
        yield names, by_host[names[0]]


def _names(host: str, first: str) -> Iterator[str]:
    """A host, and what it is called on this machine too: `m.models.localhost` is `m.localhost`."""
    yield host
    if host == first and host != _ANY_HOST:
        yield from _THIS_MACHINE
    elif host.endswith(f".{first}"):
        yield f"{host.removesuffix(first)}{_THIS_MACHINE[0]}"


_Key = tuple[bool, int, bool, int, str, str, int, int]


def _routes(entry: _Entry, services: Services, gateway: Gateway) -> Iterator[tuple[_Key, Json]]:
    """The routes of an entry, each with what orders it."""
    for place, rule in enumerate(entry.route.rules):
        rest = _rest(entry, rule, services, gateway)
        for number, match in enumerate(rule.matches):
            key = (*_precedence(match), entry.route.namespace, entry.route.name, place, number)
            yield key, {"match": _match(match), **rest}


def _precedence(match: Match) -> tuple[bool, int, bool, int]:
    return not match.exact, -len(match.path), not match.method, -len(match.headers)


def _match(match: Match) -> Json:
    path = match.path.rstrip("/")
    found: Json = {"path_separated_prefix": path} if path else {"prefix": "/"}
    if match.exact:
        found = {"path": match.path}
    method = (HeaderMatch(":method", match.method),) if match.method else ()
    matchers = [_header(header) for header in (*method, *match.headers)]
    return found | ({"headers": matchers} if matchers else {})


def _header(header: HeaderMatch) -> Json:
    if header.comparison is Comparison.REGEX:
        return {"name": header.name, "string_match": {"safe_regex": {"regex": header.value}}}
    return {"name": header.name, "string_match": {"exact": header.value}}


def _rest(entry: _Entry, rule: RouteRule, services: Services, gateway: Gateway) -> Json:
    """What a rule does with the requests that it takes."""
    if entry.is_own and rule.answer is not None:
        plain = {OVERRIDES: {"@type": TYPE + "config.route.v3.FilterConfig", "disabled": True}}
        return _answer(rule.answer) | {"typed_per_filter_config": plain}
    filters = of_route(entry.policy, gateway.backends)
    if rule.answer is not None or not any(backend.weight for backend in rule.backends):
        return _answer(rule.answer or _NO_WEIGHT) | filters
    timeout_s = rule.timeout_s if rule.try_timeout_s is None else rule.try_timeout_s
    idles = gateway.clients.stream_idle_timeout_s is not None
    action = _target(entry.route, rule, services)
    action |= of_action(entry.policy, timeout_s, listener_idles=idles)
    if rule.mirrors:
        action["request_mirror_policies"] = _mirrors(entry.route, rule)
    sets = {"request_headers_to_add": headers(rule.headers)} if rule.headers else {}
    return {"route": action} | sets | filters


def _target(route: Route, rule: RouteRule, services: Services) -> Json:
    """Where requests go; the share of a Service without endpoints goes nowhere."""
    weighted = [backend for backend in rule.backends if backend.weight]
    if by_backend(rule):
        return _shared(
            {
                "name": backend_cluster(route, rule, backend),
                "weight": backend.weight,
                "request_headers_to_add": headers(backend.headers),
            }
            for backend in weighted
        )
    lost = sum(b.weight for b in weighted if not hosts_of(b.service, services))
    kept = sum(backend.weight for backend in weighted) - lost
    if not lost or not kept:
        return {"cluster": rule_cluster(route, rule)}
    return _shared(
        (
            {"name": rule_cluster(route, rule), "weight": kept},
            {"name": _NO_ENDPOINTS, "weight": lost},
        )
    )


def _shared(among: Iterable[Json]) -> Json:
    return {
        "weighted_clusters": {"clusters": list(among)},
        "cluster_not_found_response_code": "SERVICE_UNAVAILABLE",
    }


def _mirrors(route: Route, rule: RouteRule) -> list[Json]:
    return [
        {
            "cluster": mirror_cluster(route, rule, mirror),
            "runtime_fraction": {
                "default_value": {"numerator": mirror.per_million, "denominator": "MILLION"}
            },
            "disable_shadow_host_suffix_append": True,
        }
        for mirror in rule.mirrors
    ]


def _answer(answer: Answer) -> Json:
    """An answer of Envoy's own."""
    named = (("content-type", answer.content_type),) if answer.content_type else ()
    return {
        "direct_response": {"status": answer.status, "body": {"inline_string": answer.body}},
        "response_headers_to_add": headers((*named, *answer.headers)),
    }
