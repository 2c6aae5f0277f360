"""KServe's client gets the numbers that ONNX Runtime gives.

Its package asks for an older protobuf than ours, so it runs where `make bench-peers` has installed
it.
"""

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from serving.bench import environments
from serving.bench.__main__ import FOLDER
from tests.serving.asking import expected

if TYPE_CHECKING:
    from tests.serving.conftest import Server

PYTHON = FOLDER / "kserve" / environments.PYTHON
ROWS = [[0.5, -0.25, 0.125, 4.0], [5.0, 6.0, 7.0, 8.0]]

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="the package kserve is missing: make bench-peers installs it"
)


@pytest.mark.parametrize("binary_in", [0, 1])
@pytest.mark.parametrize("binary_out", [0, 1])
def test_numbers_are_those_of_onnx_runtime(
    affine_server: "Server", binary_in: int, binary_out: int
) -> None:
    """JSON or binary, either way; the client finds server and model ready."""
    script = Path(__file__).with_name("kserve_asks.py")
    asked = subprocess.run(
        [PYTHON, script, affine_server.url, str(binary_in), str(binary_out)],
        input=json.dumps(ROWS),
        check=True,
        capture_output=True,
        text=True,
    )
    answer = json.loads(asked.stdout)

    assert answer["id"] == "7"
    assert answer["ready"] == [True, True, True]
    assert np.allclose(answer["y"], expected(ROWS), rtol=1e-6)
