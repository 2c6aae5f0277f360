"""What every test needs before anything else is imported."""

import os

from hypothesis import HealthCheck, settings

# Tests import ONNX Runtime directly too; it reports its use to its maker unless this is set first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# How long an example takes says more of the machine than of the code.
settings.register_profile(
    "unhurried", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
)
settings.load_profile("unhurried")
