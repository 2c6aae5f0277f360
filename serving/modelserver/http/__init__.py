"""The server over HTTP/1.1: connections, routes, headers, status codes, the OpenAPI document."""
