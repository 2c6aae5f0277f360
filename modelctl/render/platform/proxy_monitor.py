"""What Prometheus reads of a Gateway's proxies."""

from modelctl.render.platform.metadata import Object, metadata, proxy_labels
from modelctl.repo.kinds import Gateway


def proxy_monitor(gateway: Gateway) -> Object:
    """Each proxy's own numbers: of connections, requests, retries and endpoints left out."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": metadata(gateway, gateway.name),
        "spec": {
            "selector": {"matchLabels": proxy_labels(gateway)},
            "podMetricsEndpoints": [{"port": "metrics", "path": "/stats/prometheus"}],
        },
    }
