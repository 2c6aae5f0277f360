"""Requests to the affine model, as JSON and as bytes, and its right answers."""

import socket
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from tests.serving import onnx_models
from waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.serving.conftest import Server


ROW = [0.1, -0.2, 0.3, 4.0]


GOOD = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": ROW}]}


def expected(rows: list[list[float]]) -> np.ndarray[Any, Any]:
    """What ONNX Runtime itself gives for rows of x."""
    session = onnxruntime.InferenceSession(
        onnx_models.affine().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    array: np.ndarray[Any, Any] = session.run(["y"], {"x": np.array(rows, np.float32)})[0]
    return array


def raw_answer(server: "Server", *parts: bytes) -> bytes:
    """Everything the server sends on a connection that sends these parts and then waits."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received
