"""From a file of any framework to an ONNX file that the model server takes."""
