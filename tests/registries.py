"""Image registries on loopback: Debian's docker-registry, for as long as a test needs it."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT_S = 10


@contextmanager
def registry(folder: Path, storage: Path) -> Iterator[str]:
    """Address of a registry with what `storage` holds; settings and log are in `folder`."""
    settings, log = folder / "registry.yml", folder / "registry.log"
    settings.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {storage}}}}}\n"
        'http: {addr: "127.0.0.1:0"}\n'
    )
    command = ["docker-registry", "serve", str(settings)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            yield _listening(log)
        finally:
            process.terminate()


def _listening(log: Path) -> str:
    """The address in the registry's log, waited for."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return found[1]
