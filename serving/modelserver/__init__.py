"""Serves one ONNX release over the Open Inference Protocol V2."""

import os

# ONNX Runtime reports its use to its maker unless this is set before it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# Else pydantic searches every installed package for code that wants to run in its validators.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

__version__ = "0.1.0"
