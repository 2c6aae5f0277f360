"""Serves one ONNX release over the Open Inference Protocol V2."""
