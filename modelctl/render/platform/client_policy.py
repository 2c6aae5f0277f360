"""The ClientTrafficPolicy of a Gateway: what callers may send, and for how long."""

from modelctl.render.platform.metadata import ENVOY_GATEWAY_API, Object, metadata, targets
from modelctl.repo.kinds import Gateway

_BUFFER = "1Mi"  # of a connection; a larger body passes through it in parts
_CONNECTIONS = 20_000  # of one pod of the gateway


def client_policy(gateway: Gateway) -> Object:
    """No header that only the gateway may set, and a bound on everything that waits.

    A request id that a caller sends is kept. Names of headers with an underscore are refused: a
    server behind may take `x_model_role` for `x-model-role`. Nothing says how many proxies stand
    in front: that field with 0 would have the gateway trust what callers say about themselves.
    """
    return {
        "apiVersion": ENVOY_GATEWAY_API,
        "kind": "ClientTrafficPolicy",
        "metadata": metadata(gateway, gateway.name),
        "spec": {
            "targetRefs": targets(gateway),
            "headers": {
                "requestID": "PreserveOrGenerate",
                "withUnderscoresAction": "RejectRequest",
                "earlyRequestHeaders": {"remove": ["x-model-role"]},
            },
            "path": {"escapedSlashesAction": "UnescapeAndRedirect", "disableMergeSlashes": False},
            "connection": {"bufferLimit": _BUFFER, "connectionLimit": {"value": _CONNECTIONS}},
            "timeout": {
                "http": {
                    "requestHeadersReceivedTimeout": "10s",
                    "requestReceivedTimeout": "120s",
                    "idleTimeout": "300s",
                    "streamIdleTimeout": "300s",
                },
                "tcp": {"tlsHandshakeTimeout": "10s"},
            },
            "http2": {
                "maxConcurrentStreams": 128,
                "initialStreamWindowSize": "1Mi",
                "initialConnectionWindowSize": "4Mi",
            },
            "tls": {"minVersion": "1.2", "alpnProtocols": ["h2", "http/1.1"]},
        },
    }
