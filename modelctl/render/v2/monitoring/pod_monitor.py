"""The PodMonitor of a model: every series of its pods says which release it is of."""

from typing import Any

from modelctl.render.v2 import metadata
from modelctl.render.v2.container import PORT_NAME
from modelctl.repo.kinds import Model

_POD_LABEL = "__meta_kubernetes_pod_label_app_kubernetes_io_"
_FROM = {"model": "name", "release": "version"}  # a label of a series, and the pod's


def pod_monitor(model: Model) -> dict[str, Any]:
    """Scrapes every running pod of the model, whatever its release.

    `model` and `release` come from the pod, so that what the server does not name itself, such as
    `up` and `process_*`, has them too; what it names itself is the same and is dropped.
    """
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": metadata.model_metadata(model, component="monitoring"),
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": model.name}},
            "podMetricsEndpoints": [
                {
                    "port": PORT_NAME,
                    "path": "/metrics",
                    "interval": "30s",
                    "scrapeTimeout": "10s",
                    "relabelings": [_relabeled(*pair) for pair in _FROM.items()],
                    "metricRelabelings": [
                        {"action": "labeldrop", "regex": f"exported_({'|'.join(_FROM)})"}
                    ],
                }
            ],
        },
    }


def _relabeled(label: str, of_pod: str) -> dict[str, Any]:
    return {
        "action": "replace",
        "sourceLabels": [f"{_POD_LABEL}{of_pod}"],
        "targetLabel": label,
    }
