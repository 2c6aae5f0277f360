"""KServe's gRPC client gets the numbers that ONNX Runtime gives, and the words of our errors.

Its package asks for an older protobuf than ours, so it runs where `make bench-peers` has installed
it.
"""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from serving.bench import environments
from serving.bench.__main__ import FOLDER
from tests.serving.asking import expected

PYTHON = FOLDER / "kserve" / environments.PYTHON
ROWS = [[0.5, -0.25, 0.125, 4.0], [5.0, 6.0, 7.0, 8.0]]

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="the package kserve is missing: make bench-peers installs it"
)


@pytest.mark.parametrize("binary", [0, 1])
def test_numbers_are_those_of_onnx_runtime(bridge: str, binary: int) -> None:
    """Raw or typed contents; the client finds server and model ready."""
    script = Path(__file__).with_name("kserve_calls.py")
    asked = subprocess.run(
        [PYTHON, script, bridge, str(binary)],
        input=json.dumps(ROWS),
        check=True,
        capture_output=True,
        text=True,
    )
    answer = json.loads(asked.stdout)

    assert answer["id"] == "7"
    assert answer["ready"] == [True, True, True]
    assert np.allclose(answer["y"], expected(ROWS), rtol=1e-6)
    assert ["INVALID_ARGUMENT", "inputs[0].datatype: found 'FP64', expected FP32"] == answer[
        "refusal"
    ]
