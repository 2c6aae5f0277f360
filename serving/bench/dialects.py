"""What is sent to a server and how its answer is read, one dialect for each kind of API."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.bench.models import INPUT, Array

JSON = "application/json"
HEADER_LENGTH = "Inference-Header-Content-Length"
"""Header of the binary tensor extension: where the JSON part of the body ends."""


@dataclass(frozen=True)
class Body:
    """The body of a request or an answer, with the headers that explain it."""

    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Dialect:
    """How tensors travel; `decode` raises ValueError or KeyError on an answer of another kind."""

    name: str
    encode: Callable[[Array], Body]
    decode: Callable[[Body], Array]


def _plain(tensor: Array) -> Body:
    return _json({"data": tensor.tolist()})


def _plain_answer(body: Body) -> Array:
    answer = json.loads(body.content)
    return np.asarray(answer["outputs"] if isinstance(answer, dict) else answer, np.float32)


def _v2_json(tensor: Array) -> Body:
    return _json({"inputs": [_tensor(tensor, data=tensor.ravel().tolist())]})


def _v2_json_answer(body: Body) -> Array:
    (output,) = json.loads(body.content)["outputs"]
    return np.asarray(output["data"], np.float32).reshape(output["shape"])


def _v2_binary(tensor: Array) -> Body:
    raw = tensor.astype("<f4").tobytes()
    described = _tensor(tensor, parameters={"binary_data_size": len(raw)})
    head = _json({"inputs": [described], "parameters": {"binary_data_output": True}}).content
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(head))}
    return Body(head + raw, headers)


def _v2_binary_answer(body: Body) -> Array:
    headers = {name.lower(): value for name, value in body.headers.items()}
    if HEADER_LENGTH.lower() not in headers:
        raise ValueError(f"the answer has no header {HEADER_LENGTH}: its tensors are not binary")
    end = int(headers[HEADER_LENGTH.lower()])
    (output,) = json.loads(body.content[:end])["outputs"]
    raw = body.content[end : end + output["parameters"]["binary_data_size"]]
    return np.frombuffer(raw, "<f4").reshape(output["shape"])


def _tensor(tensor: Array, **content: object) -> dict[str, Any]:
    return {"name": INPUT, "datatype": "FP32", "shape": list(tensor.shape), **content}


def _json(document: object) -> Body:
    """Numbers are written as Python's json module writes them, as most clients do."""
    return Body(json.dumps(document).encode(), {"Content-Type": JSON})


PLAIN = Dialect("plain JSON", _plain, _plain_answer)
"""``{"data": [[...]]}``: what a hand-written application takes."""
V2_JSON = Dialect("V2 JSON", _v2_json, _v2_json_answer)
"""Open Inference Protocol V2, tensors as JSON numbers."""
V2_BINARY = Dialect("V2 binary", _v2_binary, _v2_binary_answer)
"""Open Inference Protocol V2 with the binary tensor extension, both directions."""
