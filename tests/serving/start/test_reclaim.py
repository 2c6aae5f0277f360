"""Memory after large requests."""

import ctypes
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serving import onnx_models
from tests.serving.conftest import write_release
from tests.serving.memory import MIB, resident_bytes
from waiting import until

if TYPE_CHECKING:
    from tests.serving.conftest import Start

ROWS = 800_000
LAYERS, WIDTH = 12, 1024
WEIGHTS_KEPT = 1.3
"""Times the size of the weights; without giving back it is 1.6 times."""
KEPT_BYTES = 48 * MIB
"""Well below one body's worth of tensors and text, let alone four."""
HEAPS = """
import ctypes, threading
import modelserver.__main__

libc = ctypes.CDLL(None)
thread = threading.Thread(target=libc.malloc, args=(100_000,))
thread.start()
thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""
"""What the C library says of its heaps, in XML, after a thread of a server took memory."""


def test_loading_keeps_little_beside_the_weights(tmp_path: Path, start: "Start") -> None:
    """Once it is ready, a server no longer holds what it took to read and optimise the model."""
    held = []
    for layers, width in ((1, 4), (LAYERS, WIDTH)):
        server = start(write_release(tmp_path, onnx_models.deep(layers, width)))
        server.until("ready")
        held.append(resident_bytes(server))

    assert held[1] - held[0] <= WEIGHTS_KEPT * 4 * LAYERS * WIDTH**2


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="glibc has heaps")
def test_threads_share_one_heap() -> None:
    """What threads free lies in the one heap that can be given back to its end."""
    python = [sys.executable, "-c", HEAPS]
    found = subprocess.run(python, capture_output=True, text=True, check=True)

    assert 1 == found.stdout.count("<heap nr=")


def test_memory_returns_after_a_burst_of_large_bodies(tmp_path: Path, start: "Start") -> None:
    """What large requests took is given back to the system, not kept for the next ones."""
    server = start(write_release(tmp_path, onnx_models.affine(), BATCHING_MAX_SIZE=8))
    server.until("ready")
    row = {"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [0.5, 1.25, 2, 3]}
    server.infer({"inputs": [row]})
    before = resident_bytes(server)
    large = row | {"shape": [ROWS, 4], "data": [0.123456] * (4 * ROWS)}
    body = json.dumps({"inputs": [large]})

    with ThreadPoolExecutor(4) as pool:
        posts = [
            pool.submit(
                server.client.post,
                f"{server.url}/v2/models/sample/infer",
                content=body,
                headers={"content-type": "application/json"},
                timeout=60,
            )
            for _ in range(4)
        ]
        statuses = {post.result().status_code for post in posts}

    assert statuses <= {200, 503}
    assert 200 in statuses
    until(lambda: resident_bytes(server), lambda held: held <= before + KEPT_BYTES)
