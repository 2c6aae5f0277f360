"""Chaos: commits and faults at random under load, each answer held against ONNX Runtime."""
