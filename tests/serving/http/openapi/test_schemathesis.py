"""A tool that nobody here wrote reads the document and tries to find where the server departs."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serving import onnx_models
from tests.serving.conftest import write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Start

HERE = Path(__file__).parent
MODELS = {
    "one input": onnx_models.affine(),
    "two inputs": onnx_models.total(),
    "text": onnx_models.identity("BYTES"),
    "no inputs": onnx_models.constant(),
}

pytestmark = pytest.mark.skipif(
    find_spec("schemathesis") is None, reason="schemathesis is not installed"
)


@pytest.mark.parametrize("kind", MODELS)
def test_server_does_what_its_document_says(tmp_path: Path, start: "Start", kind: str) -> None:
    """Whatever the document allows or forbids is answered as it says, and the server goes on."""
    server = start(write_release(tmp_path, MODELS[kind], MAX_BODY_BYTES=2_000_000))
    server.until("ready")
    options = ["--max-examples", "30", "--seed", "1", "--continue-on-failure"]
    finished = subprocess.run(
        [
            *(sys.executable, "-c", "import schemathesis.cli; schemathesis.cli.schemathesis()"),
            *("--config-file", HERE / "schemathesis.toml"),
            *("run", f"{server.url}/openapi.json", *options),
        ],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "No issues found" in finished.stdout
    assert server.client.get(f"{server.url}/v2/health/ready").status_code == 200
