"""Image registries on loopback: Debian's docker-registry, for as long as a test needs it."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waiting import until

LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")


@contextmanager
def registry(folder: Path, storage: Path, more: str = "") -> Iterator[str]:
    """Address of a registry with what `storage` holds; settings and log are in `folder`.

    `more` are lines of its configuration.
    """
    settings, log = folder / "registry.yml", folder / "registry.log"
    settings.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {storage}}}}}\n"
        f'http: {{addr: "127.0.0.1:0"}}\n{more}'
    )
    command = ["docker-registry", "serve", str(settings)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            yield _listening(log, process)
        finally:
            process.terminate()


def _listening(log: Path, process: subprocess.Popen[bytes]) -> str:
    """The address in the registry's log, waited for."""
    told = until(log.read_text, lambda text: LISTENING.search(text) or process.poll() is not None)
    found = LISTENING.search(told)
    assert found, told
    return found[1]
