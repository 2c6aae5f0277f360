"""gRPC: unary calls as framed messages over HTTP/1.1, as a proxy's reverse bridge sends them."""
