"""The protos of the gRPC services, and how the model server gets to know them."""
