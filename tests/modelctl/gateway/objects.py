"""Rendered objects of a gateway, as text, and their reading."""

from typing import Any

import yaml

from modelctl.gateway.fields import Field, parse
from modelctl.gateway.reading import Objects, read

GATEWAY_POLICY = """
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: models, namespace: gateway}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: models}]
  loadBalancer: {type: LeastRequest}
  retry:
    numRetries: 2
    retryOn: {triggers: [connect-failure, refused-stream, reset-before-request]}
    perRetry: {backOff: {baseInterval: 25ms, maxInterval: 250ms}}
  timeout:
    tcp: {connectTimeout: 1s}
    http: {connectionIdleTimeout: 3s, requestTimeout: 30s, streamIdleTimeout: 5m}
  circuitBreaker:
    maxConnections: 4096
    maxPendingRequests: 4096
    maxParallelRequests: 4096
    maxParallelRetries: 64
    retryBudget: {percent: {numerator: 20}, minRetryConcurrency: 3}
  healthCheck:
    panicThreshold: 0
    passive:
      splitExternalLocalOriginErrors: true
      consecutiveLocalOriginFailures: 3
      consecutive5XxErrors: 0
      consecutiveGatewayErrors: 0
      interval: 2s
      baseEjectionTime: 5s
      maxEjectionPercent: 50
  connection: {bufferLimit: 1Mi}
  responseOverride:
    - match: {statusCodes: [{type: Value, value: 503}]}
      source: Local
      response:
        contentType: application/json
        header: {set: [{name: Retry-After, value: "1"}]}
        body: {type: Inline, inline: '{"error":"busy"}'}
"""
MODEL_POLICY = """
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: churn, namespace: models-growth}
spec:
  targetRefs:
    - {group: gateway.networking.k8s.io, kind: HTTPRoute, name: churn}
    - {group: gateway.networking.k8s.io, kind: HTTPRoute, name: churn-grpc}
  mergeType: StrategicMerge
  circuitBreaker:
    maxConnections: 320
    maxPendingRequests: 320
    maxParallelRequests: 320
    maxParallelRetries: 64
  timeout: {http: {requestTimeout: 40s}}
"""
CLIENT_POLICY = """
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata: {name: models, namespace: gateway}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: models}]
  headers:
    requestID: PreserveOrGenerate
    withUnderscoresAction: RejectRequest
    earlyRequestHeaders: {remove: [X-Model-Role]}
  path: {escapedSlashesAction: UnescapeAndRedirect, disableMergeSlashes: false}
  connection: {bufferLimit: 1Mi, connectionLimit: {value: 20000}}
  timeout:
    http: {requestHeadersReceivedTimeout: 10s, requestReceivedTimeout: 2m, idleTimeout: 5m}
    tcp: {tlsHandshakeTimeout: 10s}
  http2: {maxConcurrentStreams: 128, initialStreamWindowSize: 1Mi}
  tls: {minVersion: "1.2", alpnProtocols: [h2, http/1.1]}
"""
FILTER = """
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: HTTPRouteFilter
metadata: {name: churn-unknown-release, namespace: models-growth}
spec:
  directResponse:
    statusCode: 404
    contentType: application/json
    body: {type: Inline, inline: '{"error":"no"}'}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: churn, namespace: models-growth, labels: {app.kubernetes.io/version: r1}}
spec:
  parentRefs:
    - {group: gateway.networking.k8s.io, kind: Gateway, namespace: gateway, name: models}
  hostnames: [models.localhost]
  rules:
    - name: r1
      matches:
        - path: {type: PathPrefix, value: /v2/models/churn/versions/r1}
        - path: {type: PathPrefix, value: /v2/models/churn}
          headers: [{type: Exact, name: X-Model-Release, value: r1}]
      filters:
        - type: RequestHeaderModifier
          requestHeaderModifier: {set: [{name: x-model-role, value: direct}]}
      backendRefs: [{group: "", kind: Service, name: churn-r1, port: 80, weight: 1}]
      timeouts: {request: 30s, backendRequest: 20s}
    - name: unknown-release
      matches:
        - path: {type: PathPrefix, value: /v2/models/churn}
          headers: [{type: RegularExpression, name: x-model-release, value: .+}]
      filters:
        - type: ExtensionRef
          extensionRef:
            group: gateway.envoyproxy.io
            kind: HTTPRouteFilter
            name: churn-unknown-release
    - name: shared
      matches:
        - {path: {type: PathPrefix, value: /v2/models/churn}, method: POST}
      filters:
        - type: RequestHeaderModifier
          requestHeaderModifier: {set: [{name: x-model-role, value: shared}]}
        - type: RequestMirror
          requestMirror:
            backendRef: {group: "", kind: Service, name: churn-r3, port: 82}
            percent: 20
      backendRefs:
        - {group: "", kind: Service, name: churn-r1, port: 80, weight: 90}
        - {group: "", kind: Service, name: churn-r2, port: 80, weight: 10}
"""


def loaded(text: str) -> dict[str, Any]:
    """An object to be changed by a test."""
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def field(item: dict[str, Any]) -> Field:
    """An object as it comes from its file."""
    return parse(f"{item['kind'].lower()}.yaml", yaml.safe_dump(item).encode())


def reading(*items: str | dict[str, Any]) -> Objects:
    """What some objects say, given as text or loaded."""
    return read(field(loaded(item) if isinstance(item, str) else item) for item in items)
