"""How a model is watched: what Prometheus reads of it, records of it, and tells about it."""

from modelctl.render.v2.monitoring.pod_monitor import pod_monitor
from modelctl.render.v2.monitoring.rule import rule
from modelctl.render.v2.monitoring.weights import weights

__all__ = ["pod_monitor", "rule", "weights"]
