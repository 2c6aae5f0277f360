"""What the gateway of an environment does that renders no policies: the platform's first template.

Requests are tried again where no server has seen them, connections are closed before the server
closes them, and nothing is limited.

Source: Open Inference Protocol V2, the server's part.
"""

import json
from dataclasses import replace

from modelctl.gateway.values import (
    Answer,
    CircuitBreaker,
    ClientPolicy,
    Gateway,
    Match,
    Override,
    Retry,
    Route,
    RouteRule,
    TrafficPolicy,
)
from modelctl.local.plan.calls import CALL, calls

RETRY_AFTER = (("retry-after", "1"),)
_ANY_HOST = ("*",)  # whatever a caller calls this machine
_NO_LIMIT = 1_000_000  # connections or requests; Envoy's own limits would refuse a burst
_NOT_FOUND = ("grpc-status", "5")  # else Envoy would tell a caller of gRPC that it is unimplemented
_UNREAD = "no revision of the repository has been read yet"
_UNNAMED = (
    "no model is served under this name; name one in the metadata x-model-name, or call the host "
    "<model>.<host>"
)


def said(status: int, words: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An error in the protocol's form."""
    return Answer(status, json.dumps({"error": words}), headers=headers)


def told(status: int, words: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """The same for a caller of gRPC, who would take another content type for a fault."""
    return Answer(status, words, "application/grpc", headers)


def answering(name: str, answer: Answer, *matches: Match) -> Route:
    """A route for any host whose requests the gateway answers itself."""
    return Route("", name, _ANY_HOST, (RouteRule(name, matches, answer=answer),))


_SERVER = tuple(
    answering(path, Answer(200, body), Match(path, exact=True, method="GET"))
    for path, body in (
        ("/v2", '{"name":"models","version":"v1","extensions":[]}'),
        ("/v2/health/live", '{"live":true}'),
        ("/v2/health/ready", '{"ready":true}'),
    )
)

DEFAULT = Gateway(
    clients=ClientPolicy(request_id="PreserveOrGenerate"),
    backends=TrafficPolicy(
        retry=Retry(
            triggers=("connect-failure", "refused-stream", "reset-before-request"),
            tries=3,
            base_interval_s=0.005,
            max_interval_s=0.1,
        ),
        circuit_breaker=CircuitBreaker(_NO_LIMIT, _NO_LIMIT, _NO_LIMIT, _NO_LIMIT),
        panic_threshold_percent=0,
        connect_timeout_s=1,
        idle_timeout_s=3,  # a model server may close an idle connection after 5 s
        overrides=(
            Override((503,), said(503, "no replica can take the request now", RETRY_AFTER)),
            Override((504,), said(504, "the model did not answer in time")),
        ),
    ),
    routes=(
        *_SERVER,
        answering("unnamed", told(404, _UNNAMED, (_NOT_FOUND,)), Match("/", headers=(CALL,))),
        answering(
            "unknown",
            said(404, "no model is served at this path; models answer below /v2/models/<model>"),
            Match("/"),
        ),
    ),
)

# Until git has been read for the first time: what is served is not known yet.
UNREAD = replace(
    DEFAULT,
    backends=TrafficPolicy(),
    routes=(
        *_SERVER,
        answering("unread", said(503, _UNREAD, RETRY_AFTER), Match("/v2/models")),
        answering("unread-calls", told(503, _UNREAD, RETRY_AFTER), Match("/", headers=(CALL,))),
        DEFAULT.routes[-1],
    ),
)


def starting(model: str, hosts: tuple[str, ...]) -> Route:
    """The answers for a model of which nothing is ready."""
    words = f"model {model} is starting: no release of it is ready yet"
    path = (Match(f"/v2/models/{model}"),)
    rules = (
        RouteRule("starting", path, answer=said(503, words, RETRY_AFTER)),
        RouteRule("calls", calls(model), answer=told(503, words, RETRY_AFTER)),
    )
    return Route("", model, hosts, rules)
