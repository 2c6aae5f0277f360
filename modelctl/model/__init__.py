"""What an ONNX file is: the tensors and operators it declares, and whether it can be served."""
