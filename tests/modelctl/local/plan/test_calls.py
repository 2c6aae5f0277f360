"""Which gRPC calls a model's rules take."""

from modelctl.gateway.values import Backend, Comparison, HeaderMatch, Match, Route, RouteRule
from modelctl.local.plan.calls import CALL, calls, with_calls

PATH = "/v2/models/m"
RELEASE = HeaderMatch("x-model-release", "r2")
NAMED = HeaderMatch("x-model-name", "m")
HOST = HeaderMatch(":authority", r"(?i)m\..*", Comparison.REGEX)


def route(*matches: Match) -> Route:
    """A route of one rule."""
    return Route("models", "m", (), (RouteRule("r", matches, (Backend("m-r1", 80, 1),)),))


def test_calls_by_metadata_and_by_host() -> None:
    """A rule of the model's path takes calls that name the model, with the rule's own headers."""
    (rule,) = with_calls("m", route(Match(PATH + "/", headers=(RELEASE,)))).rules

    assert (
        Match(PATH + "/", headers=(RELEASE,)),
        Match("/", headers=(CALL, NAMED, RELEASE), method="POST"),
        Match("/", headers=(CALL, HOST, RELEASE)),
    ) == rule.matches


def test_other_rules_take_no_calls() -> None:
    """A rule that asks for more than the model's path takes none."""
    for match in (Match(PATH, exact=True), Match(PATH + "/versions/r1"), Match("/v2/models/n")):
        assert route(match) == with_calls("m", route(match))


def test_routes_that_say_so_themselves() -> None:
    """Where a route has rules for calls, nothing is added."""
    own = route(Match(PATH), Match("/", headers=(CALL, NAMED)))

    assert own == with_calls("m", own)
    assert 2 == len(calls("m"))
