"""No run that might be long is made in the event loop, where everybody else would wait for it."""

import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelserver.errors import GraceExceeded
from tests.serving import onnx_models
from tests.serving.conftest import write_release
from tests.serving.gate import GATED, shut
from tests.serving.wire import address, raw_request

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

SIZE = 8


def long_request(length: int) -> dict[str, Any]:
    """A request of one row of that length."""
    data = np.linspace(0, 1, length * SIZE).round(3).tolist()
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, length, SIZE], "data": data}
    return {"inputs": [tensor]}


def execution(server: "Server") -> str:
    """Where the metadata say that runs are made."""
    metadata = server.client.get(f"{server.url}/v2/models/sample").json()
    return str(metadata["parameters"]["execution"])


def test_larger_size_than_any_before_runs_elsewhere(tmp_path: Path, start: "Start") -> None:
    """Attention was quick at a length of 1; whether it is at 64 nobody knows, so health is free."""
    server = start(write_release(tmp_path, onnx_models.attention(SIZE)), GATED)
    server.until("ready")
    before = execution(server)
    with ThreadPoolExecutor(1) as pool, shut(tmp_path):
        answer = pool.submit(server.infer, long_request(64))
        server.until_metric("modelserver_requests_in_flight", 1)
        live = server.client.get(f"{server.url}/v2/health/live")

    assert "event loop" == before
    assert [200, 200] == [live.status_code, answer.result().status_code]


def test_run_does_not_outlast_the_grace(tmp_path: Path, start: "Start") -> None:
    """A run that is still under way when GRACE_S is over is left behind."""
    server = start(write_release(tmp_path, onnx_models.attention(SIZE), GRACE_S=1), GATED)
    server.until("ready")
    with shut(tmp_path):
        link = sent(server, long_request(64))
        server.until_metric("modelserver_requests_in_flight", 1)
        server.process.send_signal(signal.SIGTERM)
        code = server.exit_code()
    link.close()

    assert GraceExceeded.exit_code == code


def sent(server: "Server", request: dict[str, Any]) -> socket.socket:
    """A connection on which a request was sent."""
    link = socket.create_connection(address(server))
    link.sendall(raw_request(json.dumps(request).encode()))
    return link
