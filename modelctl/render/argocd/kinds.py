"""The kinds of object that a model's Application may write: exactly those that are rendered."""

# Group and kind, sorted; a project allows these in its team's namespace and nothing else anywhere.
MODEL_KINDS = (
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "Deployment"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("gateway.envoyproxy.io", "BackendTrafficPolicy"),
    ("gateway.envoyproxy.io", "HTTPRouteFilter"),
    ("gateway.envoyproxy.io", "SecurityPolicy"),
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("keda.sh", "ScaledObject"),
    ("monitoring.coreos.com", "PodMonitor"),
    ("monitoring.coreos.com", "PrometheusRule"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
)
# What stands in a team's namespace and is no model's: it came with the namespace, or from it.
NAMESPACE_KINDS = (
    ("", "ConfigMap"),
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("", "Secret"),
    ("external-secrets.io", "ExternalSecret"),
    ("networking.k8s.io", "NetworkPolicy"),
)
