"""Between the bytes of a request or an answer and the arrays of a model."""
