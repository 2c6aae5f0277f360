"""From anybody's model to an ONNX file that can be served: formats, conversion, proof, savings."""
