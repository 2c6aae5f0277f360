"""The bridge that gRPC callers come over: model servers speak HTTP/1.1 alone.

Envoy Gateway takes it only where its own configuration has `enableEnvoyPatchPolicy`, as the
platform's Application for it says.
"""

from modelctl.render.platform.metadata import API_GROUP, ENVOY_GATEWAY_API, Object, metadata
from modelctl.repo.kinds import Gateway

_TYPES = "type.googleapis.com"
_FILTER = "envoy.filters.http.grpc_http1_reverse_bridge"
_SETTINGS = f"{_TYPES}/envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig"
# Found by its name: a limit of connections puts another filter before the connection manager, and
# an index would then name that one.
_FILTERS = (
    "..filters[?(@.name=='envoy.filters.network.http_connection_manager')]"
    ".typed_config.http_filters"
)


def grpc_bridge(gateway: Gateway) -> Object:
    """The filter comes first, so that whatever answers, callers of gRPC get it as gRPC."""
    added = {
        "name": _FILTER,
        "typed_config": {
            "@type": _SETTINGS,
            "content_type": "application/grpc",
            "withhold_grpc_frames": False,
        },
    }
    patch = {
        "type": f"{_TYPES}/envoy.config.listener.v3.Listener",
        "name": f"{gateway.namespace}/{gateway.name}/{gateway.listener}",
        "operation": {"op": "add", "jsonPath": _FILTERS, "path": "/0", "value": added},
    }
    return {
        "apiVersion": ENVOY_GATEWAY_API,
        "kind": "EnvoyPatchPolicy",
        "metadata": metadata(gateway, f"{gateway.name}-grpc-bridge"),
        "spec": {
            "targetRef": {"group": API_GROUP, "kind": "Gateway", "name": gateway.name},
            "type": "JSONPatch",
            "jsonPatches": [patch],
        },
    }
