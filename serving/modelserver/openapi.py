"""The inference endpoint in the words of OpenAPI: it is served in front of the application."""

from typing import Any

_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
    "description": "Protocol parameters; the binary tensor extension's are understood.",
}
_SHAPE: dict[str, Any] = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_DATA: dict[str, Any] = {
    "type": "array",
    "description": "Elements in row-major order, flat or nested like the shape.",
    "items": {},
}
_TENSOR: dict[str, Any] = {
    "name": {"type": "string"},
    "shape": _SHAPE,
    "datatype": {"type": "string", "examples": ["FP32", "INT64", "BYTES"]},
    "parameters": _PARAMETERS,
    "data": _DATA,
}
_REQUEST_SCHEMA: dict[str, Any] = {
    "title": "InferRequest",
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string", "description": "Echoed in the answer."},
        "parameters": _PARAMETERS,
        "inputs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "shape", "datatype"],
                "properties": _TENSOR,
            },
        },
        "outputs": {
            "type": "array",
            "description": "Outputs to compute; all where it is absent or empty.",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "parameters": _PARAMETERS},
            },
        },
    },
    "examples": [
        {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 1.5]}]}
    ],
}
_ANSWER_SCHEMA: dict[str, Any] = {
    "title": "InferResponse",
    "type": "object",
    "required": ["model_name", "model_version", "outputs"],
    "properties": {
        "model_name": {"type": "string"},
        "model_version": {"type": "string"},
        "id": {"type": "string"},
        "outputs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "shape", "datatype"],
                "properties": _TENSOR,
            },
        },
    },
}
_ERROR_SCHEMA: dict[str, Any] = {
    "title": "Error",
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "Begins with the field's path."}},
}
_BINARY: dict[str, Any] = {
    "schema": {"type": "string", "format": "binary"},
}


def _error(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": _ERROR_SCHEMA}},
    }


ERROR: dict[str, Any] = _error("Unknown model or release")
"""The answer for a model or release that this process does not serve."""

REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _REQUEST_SCHEMA},
            "application/octet-stream": _BINARY,
        },
    },
    "parameters": [
        {
            "name": "Inference-Header-Content-Length",
            "in": "header",
            "required": False,
            "description": "Bytes of JSON at the start of a body that binary tensors follow.",
            "schema": {"type": "integer", "minimum": 0},
        },
        {
            "name": "X-Request-Timeout-Ms",
            "in": "header",
            "required": False,
            "description": "Milliseconds after which the request need not begin to run any more.",
            "schema": {"type": "integer", "minimum": 1},
        },
    ],
}
"""Request body of the inference operation."""

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Outputs",
        "content": {
            "application/json": {"schema": _ANSWER_SCHEMA},
            "application/octet-stream": _BINARY,
        },
    },
    400: _error("A field is wrong; the message names it"),
    404: ERROR,
    408: _error("The body did not arrive"),
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
