"""Put ONNX models into production by git: check, render, sync, serve, roll back."""
