"""The OpenAPI document of one server: its operations, and the contract of the served model."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from modelserver import __version__
from modelserver.http import json_schemas, metadata
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

_UNKNOWN = _error("Unknown model or release")

_REQUEST: dict[str, Any] = {
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
_ANSWERS: dict[str, dict[str, Any]] = {
    "200": {
        "description": "Outputs",
        "headers": {_JSON_LENGTH: _BINARY_BEGINS},
        "content": {
            "application/json": {"schema": _ref("schemas", "InferResponse")},
            "application/octet-stream": _BINARY,
        },
    },
    "400": _error("A field is wrong; the message names it"),
    "404": _UNKNOWN,
    "408": _error("The body did not arrive"),
    "406": _error("An output holds an infinity, which JSON has no number for"),
    "413": _error("The body is too large"),
    "415": _error("The content type or encoding is not supported"),
    "500": _error("The model failed"),
    "503": _error("Not ready, or too many requests in flight; see Retry-After"),
    "504": _error("The time that the request's headers give was over before it began to run"),
}

_Answers = dict[str, dict[str, Any]]


def _gives(structure: type[msgspec.Struct], description: str = "Successful Response") -> Any:  # noqa: ANN401 - JSON
    return {
        "description": description,
        "content": {"application/json": {"schema": _ref("schemas", structure.__name__)}},
    }


def _unavailable(structure: type[msgspec.Struct]) -> Any:  # noqa: ANN401 - JSON
    return {"503": _gives(structure, "Service Unavailable")}


@dataclass(frozen=True, slots=True)
class _Operation:
    """What is done at a path; `name` is part of the operation's id, which clients are named by."""

    name: str
    path: str
    description: str
    answers: _Answers
    method: str = "get"
    request: dict[str, Any] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """As the document has it, but for what all operations share."""
        where = re.sub(r"\W", "_", self.path)
        return {
            "summary": self.name.replace("_", " ").title(),
            "description": self.description,
            "operationId": f"{self.name}{where}_{self.method}",
            **self.request,
            "responses": {code: dict(answer) for code, answer in self.answers.items()},
        }


_SERVER = (
    _Operation(
        "server",
        "/v2",
        "Name, version and protocol extensions of this server.",
        {"200": _gives(metadata.ServerMetadata)},
    ),
    _Operation(
        "live",
        "/v2/health/live",
        "Whether the process answers at all: false only by not answering.",
        {"200": _gives(metadata.Live)},
    ),
    _Operation(
        "ready",
        "/v2/health/ready",
        "Whether new requests are wanted: no while starting, draining, or after a failed start.",
        {"200": _gives(metadata.Ready)} | _unavailable(metadata.Ready),
    ),
    _Operation(
        "scrape",
        "/metrics",
        "Metrics in Prometheus' text format.",
        {
            "200": {
                "description": "Metrics",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
    ),
)


def _of_model(path: str) -> Iterator[_Operation]:
    """The operations of a model, or of its release."""
    yield _Operation(
        "model",
        path,
        "Inputs, outputs and release of the model.",
        {"200": _gives(metadata.ModelMetadata), "404": _UNKNOWN},
    )
    yield _Operation(
        "model_ready",
        f"{path}/ready",
        "Whether the release is loaded, warmed up and replayed: once true, it stays true.",
        {"200": _gives(metadata.ModelReady), "404": _UNKNOWN} | _unavailable(metadata.ModelReady),
    )
    yield _Operation(
        "infer",
        f"{path}/infer",
        "Outputs of the model for one or more rows of input, as JSON or binary tensors.",
        _ANSWERS,
        method="post",
        request=_REQUEST,
    )


OPERATIONS = (
    *_SERVER,
    *_of_model("/v2/models/{name}"),
    *_of_model("/v2/models/{name}/versions/{release}"),
)
"""All operations of a server."""


def document(model: str, release: str, contract: Contract) -> dict[str, Any]:
    """The document of a server of this release."""
    served = {"name": model, "release": release}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "modelserver",
            "description": "Serves one ONNX release over the Open Inference Protocol V2.",
            "version": __version__,
        },
        "paths": {each.path: {each.method: _completed(each, served)} for each in OPERATIONS},
        "components": {"schemas": _schemas(model, release, contract), "headers": _HEADERS},
    }


def _schemas(model: str, release: str, contract: Contract) -> dict[str, Any]:
    structures = (
        metadata.ServerMetadata,
        metadata.ModelMetadata,
        metadata.Live,
        metadata.Ready,
        metadata.ModelReady,
    )
    _, own = msgspec.json.schema_components(structures, ref_template="#/components/schemas/{name}")
    return {
        **own,
        "InferRequest": json_schemas.infer_request(contract),
        "InferResponse": json_schemas.infer_response(contract, model=model, release=release),
        "Error": _ERROR_SCHEMA,
    }


def _completed(each: _Operation, served: dict[str, str]) -> dict[str, Any]:
    """An operation with the only model and release that its path may have, and all headers."""
    operation = each.described()
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"enum": [value]}}
        for name, value in served.items()
        if f"{{{name}}}" in each.path
    ]
    if named:
        operation["parameters"] = named + operation.get("parameters", [])
    for status, answer in operation["responses"].items():
        retry = _RETRY if status == "503" else {}
        given = {"X-Request-Id": _ref("headers", "RequestId")}
        answer["headers"] = answer.get("headers", {}) | given | retry
    return operation
