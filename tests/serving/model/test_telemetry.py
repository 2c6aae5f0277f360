"""Nothing of a server's use leaves the machine."""

import os
import subprocess
import sys
from pathlib import Path


def test_importing_the_server_starts_no_telemetry(tmp_path: Path) -> None:
    """ONNX Runtime opens its telemetry store at import; under the server it opens none."""
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    subprocess.run(
        [sys.executable, "-c", "import modelserver.model.session"], env=environment, check=True
    )

    assert [] == list(tmp_path.rglob("*"))
