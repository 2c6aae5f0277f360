"""What is large is read and written beside the event loop, which goes on between its pieces."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serving import onnx_models
from tests.serving.asking import GOOD, ROW
from tests.serving.conftest import write_release
from tests.serving.gate import shut

if TYPE_CHECKING:
    from tests.serving.conftest import Start

# The server itself, but each piece of one kind is made only under a lock on a file in its folder.
PROGRAM = """
import fcntl, importlib, sys
module = importlib.import_module("modelserver.{module}")
gate, made = open("gate", "a"), module.{name}
def make_when_let(*given):
    fcntl.flock(gate, fcntl.LOCK_SH)
    try:
        return made(*given)
    finally:
        fcntl.flock(gate, fcntl.LOCK_UN)
module.{name} = make_when_let
from modelserver.__main__ import main
main()
"""
LARGE = json.dumps(
    {"inputs": [GOOD["inputs"][0] | {"shape": [20_000, 4], "data": ROW * 20_000}]}
).encode()


@pytest.mark.parametrize(
    ("module", "name", "packed"),
    [
        ("codec.outline", "end_of_array", False),
        ("codec.long", "_values", False),
        ("codec.answers", "to_values", False),
        ("http.compression", "_Content", True),
    ],
)
def test_nobody_waits_for_a_large_request(
    tmp_path: Path, start: "Start", module: str, name: str, *, packed: bool
) -> None:
    """While one piece of it is made, health and small requests are answered; it is, after them."""
    program = PROGRAM.format(module=module, name=name)
    server = start(write_release(tmp_path, onnx_models.affine()), ("-c", program))
    server.until("ready")
    body = gzip.compress(LARGE) if packed else LARGE
    headers = {"content-encoding": "gzip"} if packed else {}
    url = f"{server.url}/v2/models/sample/infer"
    with ThreadPoolExecutor(1) as pool, shut(tmp_path):
        large = pool.submit(server.client.post, url, content=body, headers=headers)
        server.until_metric("modelserver_requests_in_flight", 1)
        live = server.client.get(f"{server.url}/v2/health/live")
        small = server.infer(GOOD)
        still = server.metric("modelserver_requests_in_flight")

    assert [200, 200, 200] == [live.status_code, small.status_code, large.result().status_code]
    assert 1 == still
    row = small.json()["outputs"][0]["data"]
    assert row * 20_000 == pytest.approx(large.result().json()["outputs"][0]["data"], rel=1e-4)
