"""The EnvoyProxy of a Gateway: how many pods it has, how they end, what they write down.

On one machine it has no meaning: there one Envoy runs without pods.
"""

from modelctl.render.platform.metadata import ENVOY_GATEWAY_API, Object, metadata
from modelctl.repo.kinds import Gateway

# Which release took a request, read from the endpoint that it went to.
_SERVICE = (
    "%CEL(xds.upstream_host_locality_metadata.filter_metadata"
    "['envoy-gateway']['resources'][0]['name'])%"
)
_LOGGED = {
    "time": "%START_TIME%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "code": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_ms": "%DURATION%",
    "upstream_ms": "%RESPONSE_DURATION%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "upstream": "%UPSTREAM_HOST%",
    "route": "%ROUTE_NAME%",
    "service": _SERVICE,
    "role": "%REQ(X-MODEL-ROLE)%",
}


def envoy_proxy(gateway: Gateway) -> Object:
    """Two pods apart from each other, which finish what they have before they end."""
    return {
        "apiVersion": ENVOY_GATEWAY_API,
        "kind": "EnvoyProxy",
        "metadata": metadata(gateway, gateway.name),
        "spec": {
            "concurrency": 2,
            "routingType": "Endpoint",
            "provider": {"type": "Kubernetes", "kubernetes": _pods()},
            "shutdown": {"minDrainDuration": "10s", "drainTimeout": "60s"},
            "telemetry": {
                "accessLog": {
                    "settings": [
                        {
                            "type": "Route",
                            "format": {"type": "JSON", "json": dict(_LOGGED)},
                            "sinks": [{"type": "File", "file": {"path": "/dev/stdout"}}],
                        }
                    ]
                },
                "metrics": {"prometheus": {}},
            },
        },
    }


def _pods() -> Object:
    component = {"app.kubernetes.io/component": "proxy"}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": component},
    }
    return {
        "envoyDeployment": {
            "replicas": 2,
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "pod": {"topologySpreadConstraints": [spread]},
            "container": {
                "resources": {
                    "requests": {"cpu": "1", "memory": "512Mi"},
                    "limits": {"memory": "1Gi"},
                }
            },
        },
        "envoyPDB": {"minAvailable": 1},
        "envoyService": {"type": "ClusterIP"},
    }
