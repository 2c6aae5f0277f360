"""What every test needs before anything else is imported."""

import os

# Tests import ONNX Runtime directly too; it reports its use to its maker unless this is set first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
