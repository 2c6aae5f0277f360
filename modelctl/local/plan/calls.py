"""Which gRPC calls are for a model, where its routes do not say so themselves.

The path of a call names no model. A caller names it in the metadata `x-model-name`, or calls a host
that begins with it, `<model>.<host>`. From there the rules of the model's own route hold.

Source: Open Inference Protocol V2, gRPC.
"""

from dataclasses import replace

from modelctl.gateway.values import Comparison, HeaderMatch, Match, Route, RouteRule

MODEL_HEADER = "x-model-name"
CALL = HeaderMatch("content-type", "application/grpc.*", Comparison.REGEX)


def calls(model: str) -> tuple[Match, ...]:
    """The calls that name a model; with a method, the ones by metadata go before those by host."""
    host = HeaderMatch(":authority", rf"(?i){model}\..*", Comparison.REGEX)
    return (
        Match("/", headers=(CALL, HeaderMatch(MODEL_HEADER, model)), method="POST"),
        Match("/", headers=(CALL, host)),
    )


def with_calls(model: str, route: Route) -> Route:
    """A route whose rules take calls too, unless it has rules for calls already."""
    if any(CALL in match.headers for rule in route.rules for match in rule.matches):
        return route
    return replace(route, rules=tuple(_rule(model, rule) for rule in route.rules))


def _rule(model: str, rule: RouteRule) -> RouteRule:
    """A rule that takes the calls, too, for which it takes the requests of the model's path."""
    own = (match for match in rule.matches if _is_whole(model, match))
    called = (replace(call, headers=call.headers + m.headers) for m in own for call in calls(model))
    return replace(rule, matches=(*rule.matches, *called))


def _is_whole(model: str, match: Match) -> bool:
    return not match.exact and match.path.rstrip("/") == f"/v2/models/{model}"
