"""Why ONNX Runtime would not load a model, as a sentence that begins with a verb."""


class UnsoundError(ValueError):
    """ONNX Runtime cannot load the model."""
