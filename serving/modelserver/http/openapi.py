"""The OpenAPI document of one server: what FastAPI knows, and the contract of the served model.

Inference requests are answered in front of the application, so that FastAPI knows nothing of them
but their paths; the rest of what the document says of them stands here.
"""

from typing import Any

from fastapi import FastAPI

from modelserver.http import json_schemas
from modelserver.model.contract import Contract

_JSON_LENGTH = "Inference-Header-Content-Length"
_LARGEST_COUNT = 10**15 - 1  # `headers` reads numbers of 15 digits
_BINARY: dict[str, Any] = {
    "schema": {
        "type": "string",
        "format": "binary",
        "description": (
            f"JSON of {_JSON_LENGTH} bytes, then the bytes of every tensor that has "
            "parameters.binary_data_size instead of data, in their order, little-endian."
        ),
    },
}


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _error(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": _ref("schemas", "Error")}},
    }


def _count(description: str, *, minimum: int) -> dict[str, Any]:
    bounds = {"type": "integer", "minimum": minimum, "maximum": _LARGEST_COUNT}
    return {"description": description, "schema": bounds}


_RETRY = {"Retry-After": _ref("headers", "RetryAfter")}
_BINARY_BEGINS = _count(
    "Bytes of JSON at the start of a body that binary tensors follow.", minimum=0
)
_IN_TIME = _count("Milliseconds after which the request need not begin to run.", minimum=1)
_TRACE = {
    "description": "W3C Trace Context; its trace id stands in log lines about the request.",
    "schema": {"type": "string"},
}

_HEADERS = {
    "RequestId": {
        "description": "The request's id, its own or one that the server made.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
_ERROR_SCHEMA: dict[str, Any] = {
    "title": "Error",
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "Begins with the field's path."}},
}

ERROR: dict[str, Any] = _error("Unknown model or release")
"""The answer for a model or release that this process does not serve."""

REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _ref("schemas", "InferRequest")},
            "application/octet-stream": _BINARY,
        },
    },
    "parameters": [
        {"name": name, "in": "header", "required": False, **what}
        for name, what in (
            (_JSON_LENGTH, _BINARY_BEGINS),
            ("X-Request-Timeout-Ms", _IN_TIME),
            ("Traceparent", _TRACE),
        )
    ],
}
"""Request body and headers of the inference operation."""

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Outputs",
        "headers": {_JSON_LENGTH: _BINARY_BEGINS},
        "content": {
            "application/json": {"schema": _ref("schemas", "InferResponse")},
            "application/octet-stream": _BINARY,
        },
    },
    400: _error("A field is wrong; the message names it"),
    404: ERROR,
    408: _error("The body did not arrive"),
    406: _error("An output holds an infinity, which JSON has no number for"),
    413: _error("The body is too large"),
    415: _error("The content type or encoding is not supported"),
    500: _error("The model failed"),
    503: _error("Not ready, or too many requests in flight; see Retry-After"),
    504: _error("The time that the request's headers give was over before it began to run"),
}
"""Answers of the inference operation."""

METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Metrics", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
"""Answer of the metrics operation."""


class DescribedApp(FastAPI):
    """FastAPI with a document that has the contract of the served model."""

    def __init__(self, *, model: str, release: str, contract: Contract, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings)
        self._served = {"name": model, "release": release}
        self._contract = contract

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            components = document["components"]
            components["schemas"] |= self._schemas()
            components["headers"] = _HEADERS
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    self._complete(path, operation)
        return self.openapi_schema or {}

    def _schemas(self) -> dict[str, Any]:
        model, release = self._served.values()
        return {
            "InferRequest": json_schemas.infer_request(self._contract),
            "InferResponse": json_schemas.infer_response(
                self._contract, model=model, release=release
            ),
            "Error": _ERROR_SCHEMA,
        }

    def _complete(self, path: str, operation: dict[str, Any]) -> None:
        """Name the only model and release that a path may have, and the headers of every answer."""
        named = [
            {"name": name, "in": "path", "required": True, "schema": {"enum": [value]}}
            for name, value in self._served.items()
            if f"{{{name}}}" in path
        ]
        if named:
            operation["parameters"] = named + operation.get("parameters", [])
        for status, answer in operation["responses"].items():
            retry = _RETRY if status == "503" else {}
            given = {"X-Request-Id": _ref("headers", "RequestId")}
            answer["headers"] = answer.get("headers", {}) | given | retry
