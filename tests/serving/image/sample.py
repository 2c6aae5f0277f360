"""The sample release that the image is tried with."""

import hashlib
import json
from pathlib import Path

ARTIFACT = Path(__file__).parents[3] / "examples" / "artifacts" / "linear" / "r2.onnx"
GOLDEN = ARTIFACT.with_name("r2.golden.json")
PORT = 8080


def settings() -> dict[str, str]:
    """The server's environment for the second release of the linear model, under /artifacts."""
    tensors = {"inputs": "x", "outputs": "y"}
    contract = {
        side: [{"name": name, "datatype": "FP32", "shape": [-1, 1]}]
        for side, name in tensors.items()
    }
    values = {
        "MODEL": "linear",
        "RELEASE": "r2",
        "ARTIFACT_URI": f"file:{ARTIFACT.name}",
        "ARTIFACT_ROOT": "/artifacts",
        "ARTIFACT_SHA256": hashlib.sha256(ARTIFACT.read_bytes()).hexdigest(),
        "ARTIFACT_BYTES": str(ARTIFACT.stat().st_size),
        "GOLDEN_URI": f"file:{GOLDEN.name}",
        "GOLDEN_SHA256": hashlib.sha256(GOLDEN.read_bytes()).hexdigest(),
        "CONTRACT": json.dumps(contract),
        "PROVIDERS": "cpu",
        "HOST": "127.0.0.1",
        "PORT": str(PORT),
        "CACHE_DIR": "/tmp/cache",  # noqa: S108  # inside the container's own /tmp
        "DRAIN_DELAY_S": "0",
    }
    return {f"MODELSERVER_{name}": value for name, value in values.items()}
