"""From HTTPRoutes, and the filters that they name, to routes; what is not known is refused.

Source: Gateway API v1, HTTPRoute; Envoy Gateway 1.9, HTTPRouteFilter; durations GEP-2257.
"""

import re
from collections.abc import Iterator, Mapping

from modelctl.gateway.fields import Field
from modelctl.gateway.values import (
    Answer,
    Backend,
    Comparison,
    HeaderMatch,
    Match,
    Mirror,
    Route,
    RouteRule,
)

_MILLION = 1_000_000  # the share of copies is counted in parts of it, as Envoy does
_PATH = re.compile(r"/[!\"$->@-~]*")  # printable, without the query and fragment marks
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[ -~]*")
_METHOD = re.compile(r"[A-Z]+")
_BODY = re.compile(r"[^%]*")  # Envoy would put values of the request in the place of a `%NAME%`
_STATUS = range(200, 600)
_ENVOY_GATEWAY = "gateway.envoyproxy.io"

Answers = Mapping[tuple[str, str], Answer]  # by namespace and name of the HTTPRouteFilter

_OBJECT = ("apiVersion", "kind", "metadata", "spec")
_METADATA = ("name", "namespace", "labels", "annotations")


def object_name(item: Field) -> tuple[str, str]:
    """Namespace and name of an object that has metadata and spec alone."""
    item.only(*_OBJECT)
    metadata = item.get("metadata").only(*_METADATA)
    return metadata.get("namespace").text_or(""), metadata.get("name").text()


def answer(item: Field) -> Answer:
    """What an HTTPRouteFilter answers, which is all that one may do here."""
    object_name(item)
    found = item.get("spec").only("directResponse").get("directResponse")
    found.only("statusCode", "contentType", "body", "header")
    status = found.get("statusCode")
    if status.whole() not in _STATUS:
        raise status.error("an HTTP status from 200 to 599")
    return Answer(
        status=status.whole(),
        body=inline(found.get("body")) if found.get("body").is_set else "",
        content_type=found.get("contentType").text_or(""),
        headers=header_settings(found.get("header")),
    )


def inline(body: Field) -> str:
    """A body that stands in the object itself."""
    body.only("type", "inline").get("type").word("Inline", default="Inline")
    return body.get("inline").matching(_BODY, "a text without %, which Envoy would replace")


def header_settings(modifier: Field) -> tuple[tuple[str, str], ...]:
    """The headers that are set; to add or to remove one is not known here."""
    headers = modifier.only("set").get("set").items()
    return tuple(_name_and_value(header.only("name", "value")) for header in headers)


def route(item: Field, answers: Answers) -> Route:
    """A route with all its rules.

    Raises:
        ObjectError: It is malformed, uses what is not known, or names a filter that is not there.
    """
    namespace, name = object_name(item)
    spec = item.get("spec").only("parentRefs", "hostnames", "rules")
    for parent in spec.get("parentRefs").items():
        parent.only("group", "kind", "namespace", "name", "sectionName")
    return Route(
        namespace=namespace,
        name=name,
        hostnames=tuple(host.text() for host in spec.get("hostnames").items()),
        rules=tuple(_rule(rule, namespace, answers) for rule in spec.get("rules").items()),
    )


def _rule(rule: Field, namespace: str, answers: Answers) -> RouteRule:
    rule.only("name", "matches", "filters", "backendRefs", "timeouts")
    timeouts = rule.get("timeouts").only("request", "backendRequest")
    headers: tuple[tuple[str, str], ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    answered: Answer | None = None
    for item in rule.get("filters").items():
        kind = item.get("type").word("RequestHeaderModifier", "RequestMirror", "ExtensionRef")
        if kind == "RequestHeaderModifier":
            headers += header_settings(_part(item, "requestHeaderModifier"))
        elif kind == "RequestMirror":
            mirrors += (_mirror(_part(item, "requestMirror")),)
        else:
            answered = _named(_part(item, "extensionRef"), namespace, answers)
    if answered and rule.get("backendRefs").value:
        raise rule.get("backendRefs").error("absent where the gateway answers itself")
    return RouteRule(
        name=rule.get("name").text_or(""),
        matches=tuple(_matches(rule)),
        backends=tuple(_backend(backend) for backend in rule.get("backendRefs").items()),
        mirrors=mirrors,
        headers=headers,
        answer=answered,
        timeout_s=_optional_seconds(timeouts.get("request")),
        try_timeout_s=_optional_seconds(timeouts.get("backendRequest")),
    )


def _part(item: Field, key: str) -> Field:
    """What a filter says under the key that its type demands, and under no other."""
    return item.only("type", key).get(key)


def _named(reference: Field, namespace: str, answers: Answers) -> Answer:
    reference.only("group", "kind", "name").get("group").word(_ENVOY_GATEWAY)
    reference.get("kind").word("HTTPRouteFilter")
    name = reference.get("name")
    found = answers.get((namespace, name.text()))
    if found is None:
        raise name.error(f"an HTTPRouteFilter that is rendered in namespace {namespace}")
    return found


def _mirror(mirror: Field) -> Mirror:
    mirror.only("backendRef", "percent", "fraction")
    service, port = _service(mirror.get("backendRef").only("group", "kind", "name", "port"))
    fraction = mirror.get("fraction").only("numerator", "denominator")
    if not fraction.is_set:
        return Mirror(service, port, mirror.get("percent").whole(default=100) * _MILLION // 100)
    denominator = fraction.get("denominator").whole(default=100)
    if denominator == 0:
        raise fraction.get("denominator").error("at least 1")
    return Mirror(service, port, fraction.get("numerator").whole() * _MILLION // denominator)


def _backend(item: Field) -> Backend:
    service, port = _service(item.only("group", "kind", "name", "port", "weight", "filters"))
    headers: tuple[tuple[str, str], ...] = ()
    for part in item.get("filters").items():
        part.get("type").word("RequestHeaderModifier")
        headers += header_settings(_part(part, "requestHeaderModifier"))
    weight = item.get("weight").whole(default=1)
    return Backend(service, port, weight, headers=tuple(dict(headers).items()))


def _service(item: Field) -> tuple[str, int]:
    item.get("group").word("", default="")
    item.get("kind").word("Service", default="Service")
    return item.get("name").text(), item.get("port").whole()


def _matches(rule: Field) -> Iterator[Match]:
    """The matches of a rule; one without any takes every path, as the Gateway API says."""
    for match in list(rule.get("matches").items()) or [Field({}, rule.path, rule.at)]:
        match.only("path", "headers", "method")
        path = match.get("path").only("type", "value")
        kind = path.get("type").word("PathPrefix", "Exact", default="PathPrefix")
        value = path.get("value")
        if value.is_set:
            value.matching(_PATH, "an absolute path such as /v2/models/name")
        method = match.get("method")
        yield Match(
            path=value.text_or("/"),
            exact=kind == "Exact",
            headers=tuple(_header(item) for item in match.get("headers").items()),
            method=method.matching(_METHOD, "a method such as GET") if method.is_set else "",
        )


def _header(item: Field) -> HeaderMatch:
    kind = item.only("type", "name", "value").get("type").word(*Comparison, default="Exact")
    name, value = _name_and_value(item)
    if kind == Comparison.REGEX and not _is_expression(value):
        raise item.get("value").error("a regular expression")
    return HeaderMatch(name, value, Comparison(kind))


def _is_expression(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _name_and_value(item: Field) -> tuple[str, str]:
    """A header as Envoy can take it: anything else would have it refuse all routes."""
    name = item.get("name").matching(_HEADER, "a header name")
    return name.lower(), item.get("value").matching(_VALUE, "printable ASCII")


def _optional_seconds(field: Field) -> float | None:
    return field.seconds() if field.is_set else None
