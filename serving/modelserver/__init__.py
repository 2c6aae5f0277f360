"""Serves one ONNX release over the Open Inference Protocol V2."""

__version__ = "0.1.0"
