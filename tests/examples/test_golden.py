"""Golden documents say exactly what was sent and what was answered."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples import golden
from examples.onnx_export import Port, Step, chain, serialize

TOLERANCE = golden.Tolerance(absolute=0.5, relative=0.25)


@pytest.fixture
def doubling() -> bytes:
    """A model that doubles its input."""
    two = np.array(2, dtype=np.float32)
    graph = chain(
        [Step("Mul", {"two": two})], source=Port("x", (2,)), result=Port("y", (2,)), summary="2x"
    )
    return serialize(graph)


def test_record_holds_protocol_tensors_and_the_tolerance(doubling: bytes) -> None:
    """A case names input and output, their datatype and shape, and lists the values row by row."""
    document = golden.record(doubling, [np.array([[1, 2], [3, 4]], dtype=np.float32)], TOLERANCE)

    expected = {
        "tolerance": {"absolute": 0.5, "relative": 0.25},
        "cases": [
            {
                "inputs": [
                    {"name": "x", "datatype": "FP32", "shape": [2, 2], "data": [1, 2, 3, 4]}
                ],
                "outputs": [
                    {"name": "y", "datatype": "FP32", "shape": [2, 2], "data": [2, 4, 6, 8]}
                ],
            }
        ],
    }
    assert expected == document


def test_recorded_numbers_read_back_bit_by_bit(doubling: bytes) -> None:
    """Through JSON and back, every float32 is the one that was recorded, however odd."""
    inputs = np.random.default_rng(1).normal(size=(500, 2)).astype(np.float32)
    inputs[0] = np.finfo(np.float32).tiny, np.float32(1) / 3

    document = json.loads(json.dumps(golden.record(doubling, [inputs], TOLERANCE)))

    (case,) = document["cases"]
    assert np.array_equal(inputs, golden.array(case["inputs"][0]))
    assert np.array_equal(inputs * 2, golden.array(case["outputs"][0]))


def test_the_runtime_does_not_report_its_use(tmp_path: Path) -> None:
    """Training keeps to this machine: ONNX Runtime sets up no store of events to send."""
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    subprocess.run([sys.executable, "-c", "import examples.golden"], env=environment, check=True)

    assert list(tmp_path.rglob("*")) == []
