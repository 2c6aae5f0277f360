"""Between protobuf messages and the arrays of a model."""
