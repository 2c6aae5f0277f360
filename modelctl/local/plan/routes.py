"""From an HTTPRoute to route rules; what is not implemented is refused, never ignored.

Source: Gateway API v1, HTTPRoute; durations GEP-2257.
"""

import re
from collections.abc import Iterator

from modelctl.local.plan.fields import Field
from modelctl.local.plan.values import Backend, Match, Mirror, PlanError, RouteRule

_MILLION = 1_000_000  # the share of copies is counted in parts of it, as Envoy does
_DURATION = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
_PATH = re.compile(r"/[!\"$->@-~]*")  # printable, without the query and fragment marks
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[ -~]*")
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
# What the Gateway API takes for a rule without matches.
_DEFAULT_MATCH = {"path": {"type": "PathPrefix", "value": "/"}}


def rules(route: Field) -> Iterator[RouteRule]:
    """Every match of every rule, in the order of the route.

    Raises:
        PlanError: The route is malformed, or uses a feature that does not run here.
    """
    for rule in route.get("spec", "rules").items():
        rule.refuse("retry", "sessionPersistence")
        settings, mirrors = _filters(rule)
        backends = tuple(_backend(item, settings) for item in rule.get("backendRefs").items())
        for match in _matches(rule):
            yield RouteRule(
                match=match,
                backends=backends,
                mirrors=mirrors,
                timeout_s=_duration(rule.get("timeouts", "request")),
                try_timeout_s=_duration(rule.get("timeouts", "backendRequest")),
            )


def _filters(rule: Field) -> tuple[tuple[tuple[str, str], ...], tuple[Mirror, ...]]:
    """The headers that a rule sets on every request, and its mirrors."""
    settings: tuple[tuple[str, str], ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    for item in rule.get("filters").items():
        kind = item.get("type").text()
        if kind == "RequestHeaderModifier":
            settings += _header_settings(item)
        elif kind == "RequestMirror":
            mirrors += (_mirror(item.get("requestMirror")),)
        else:
            raise item.get("type").error("RequestHeaderModifier or RequestMirror")
    return settings, mirrors


def _header_settings(item: Field) -> tuple[tuple[str, str], ...]:
    modifier = item.get("requestHeaderModifier")
    modifier.refuse("add", "remove")
    return tuple(_name_and_value(header) for header in modifier.get("set").items())


def _mirror(mirror: Field) -> Mirror:
    service = mirror.get("backendRef", "name").text()
    fraction = mirror.get("fraction")
    if fraction.value is None:
        return Mirror(service, mirror.get("percent").whole(default=100) * _MILLION // 100)
    denominator = fraction.get("denominator").whole(default=100)
    if denominator == 0:
        raise fraction.get("denominator").error("at least 1")
    return Mirror(service, fraction.get("numerator").whole() * _MILLION // denominator)


def _backend(item: Field, settings: tuple[tuple[str, str], ...]) -> Backend:
    if item.get("kind").text_or("Service") != "Service":
        raise item.get("kind").error("Service")
    headers = settings
    for part in item.get("filters").items():
        if part.get("type").text() != "RequestHeaderModifier":
            raise part.get("type").error("RequestHeaderModifier")
        headers += _header_settings(part)
    return Backend(
        service=item.get("name").text(),
        weight=item.get("weight").whole(default=1),
        headers=tuple(dict(headers).items()),
    )


def _matches(rule: Field) -> Iterator[Match]:
    matches = list(rule.get("matches").items()) or [Field(_DEFAULT_MATCH, rule.path, rule.at)]
    for match in matches:
        match.refuse("method", "queryParams")
        kind = match.get("path", "type")
        if kind.text_or("PathPrefix") not in ("PathPrefix", "Exact"):
            raise kind.error("PathPrefix or Exact")
        headers = tuple(_header(item) for item in match.get("headers").items())
        path = match.get("path", "value")
        if not _PATH.fullmatch(path.text_or("/")):
            raise path.error("an absolute path such as /v2/models/name")
        yield Match(
            path=path.text_or("/"),
            exact=kind.value == "Exact",
            headers=headers,
        )


def _header(item: Field) -> tuple[str, str]:
    if item.get("type").text_or("Exact") != "Exact":
        raise item.get("type").error("Exact")
    return _name_and_value(item)


def _name_and_value(item: Field) -> tuple[str, str]:
    """A header as Envoy can take it: anything else would have it refuse all routes."""
    name, value = item.get("name"), item.get("value")
    if not _HEADER.fullmatch(name.text()):
        raise name.error("a header name")
    if not _VALUE.fullmatch(value.text()):
        raise value.error("printable ASCII")
    return name.text().lower(), value.text()


def _duration(field: Field) -> float | None:
    """Seconds of a Gateway API duration such as `1m30s`; 0 means no limit."""
    if field.value is None:
        return None
    text = field.text()
    if not _DURATION.fullmatch(text):
        raise PlanError(f"{field.path}: {field.at} is no duration such as 1m30s: {text!r}")
    parts = re.findall(r"([0-9]+)(ms|h|m|s)", text)
    return sum(int(number) * _UNITS_S[unit] for number, unit in parts)
