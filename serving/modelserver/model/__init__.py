"""The served model: its contract, its ONNX Runtime session and the providers that run it."""
