"""gRPC through Envoy: model servers speak HTTP/1.1 alone, and a bridge translates unary calls.

The path of a call names no model. A caller names it in the metadata `x-model-name`, or calls a host
that begins with it, `<model>.<host>`. From there the rules of the model's own route hold.

Source: Envoy v3 API, grpc_http1_reverse_bridge; Open Inference Protocol V2, gRPC.
"""

from collections.abc import Iterator
from typing import Any

from modelctl.local.plan.values import RouteRule

Json = dict[str, Any]

MODEL_HEADER = "x-model-name"

_TYPE = "type.googleapis.com/envoy."  # begins the name of every type in Envoy's API
_CONTENT_TYPE = "application/grpc"
_UNNAMED = (
    "no model is served under this name; name one in the metadata x-model-name, or call the host "
    "<model>.<host>"
)


def bridge() -> Json:
    """The HTTP filter that translates; requests of any other content type it lets through.

    A message keeps its frame, and the content type stays what it is: with other settings Envoy
    loses some errors.
    """
    config = _TYPE + "extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig"
    return {
        "name": "envoy.filters.http.grpc_http1_reverse_bridge",
        "typed_config": {
            "@type": config,
            "content_type": _CONTENT_TYPE,
            "withhold_grpc_frames": False,
        },
    }


def matches(model: str, rule: RouteRule) -> Iterator[Json]:
    """Which calls a rule of this model takes: none if it asks for more than the model's path."""
    if rule.match.exact or rule.match.path.rstrip("/") != f"/v2/models/{model}":
        return
    rest = [{"name": name, "string_match": {"exact": value}} for name, value in rule.match.headers]
    for named in _names(model):
        yield _calls([*named, *rest])


def starting(model: str) -> Iterator[Json]:
    """Which calls are for a model of which nothing is ready yet."""
    for named in _names(model):
        yield _calls(named)


def unnamed() -> Json:
    """The route of a call that names no model that is served."""
    return {
        "match": _calls([]),
        "direct_response": {"status": 404, "body": {"inline_string": _UNNAMED}},
        "response_headers_to_add": [
            {
                "header": {"key": "grpc-status", "value": "5"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }


def own_answers() -> Json:
    """How Envoy's own answers look to a caller of gRPC: the text alone, no JSON around it."""
    header = {"name": "content-type", "string_match": {"prefix": _CONTENT_TYPE}}
    return {
        "filter": {"header_filter": {"header": header}},
        "body_format_override": {
            "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
        },
    }


def _names(model: str) -> Iterator[list[Json]]:
    yield [{"name": MODEL_HEADER, "string_match": {"exact": model}}]
    host = {"prefix": f"{model}.", "ignore_case": True}
    yield [
        {"name": MODEL_HEADER, "present_match": False},
        {"name": ":authority", "string_match": host},
    ]


def _calls(headers: list[Json]) -> Json:
    return {"prefix": "/", "grpc": {}, **({"headers": headers} if headers else {})}
