"""One repository to mirror, and a web server that serves a bundle; needs Ansible's libraries."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from modelctl_bundle import mirror


def repository(
    publisher: Path, folder: Path, *, packages: tuple[str, ...] = ("kubeadm=1.36.4-1.1",)
) -> mirror.Repository:
    """The repository in a folder, below the publisher's key."""
    fingerprint = (publisher / "key.fingerprint").read_text()
    return mirror.Repository(
        name="kubernetes",
        path="kubernetes",
        uri=folder.as_uri(),
        suites=("/",),
        components=(),
        keys=(mirror.Key("keys/kubernetes.asc", (publisher / "key.asc").as_uri(), fingerprint),),
        packages=packages,
    )


class _Handler(SimpleHTTPRequestHandler):
    """Serves a folder and remembers what it was asked for."""

    def __init__(self, asked: list[str], *of_request: object, directory: str) -> None:
        self._asked = asked
        super().__init__(*of_request, directory=directory)  # type: ignore[arg-type] # as given

    def log_request(self, code: int | str = "-", _size: int | str = "-") -> None:
        """Remember the path and the answer's status."""
        self._asked.append(f"{self.path} {int(code)}")


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Address of the folder on loopback, and the list of what was asked there."""
    asked: list[str] = []
    handler = partial(_Handler, asked, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()
