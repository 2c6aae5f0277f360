"""Measures the model server beside its peers; see `serving.bench.__main__` for how to call it."""

import os

# Every server that is started inherits it: ONNX Runtime reports its use to its maker otherwise.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
