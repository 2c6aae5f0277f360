"""What an ONNX file says of its graph: read from its bytes, without weights and without `onnx`."""
