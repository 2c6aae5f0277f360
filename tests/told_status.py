"""A stand-in for a running engine: it holds a state folder and tells a status."""

import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelctl.local.state import Lock, StateFolder


@contextmanager
def telling(root: Path, status: Mapping[str, Any] | bytes, code: int = 200) -> Iterator[str]:
    """An engine on a state folder that answers with a status, or with these bytes; its page."""
    content = status if isinstance(status, bytes) else json.dumps(status).encode()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    root.mkdir(exist_ok=True)
    with (
        Lock(StateFolder(root)) as lock,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server,
    ):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        page = f"http://127.0.0.1:{server.server_port}"
        lock.tell(page)
        try:
            yield page
        finally:
            server.shutdown()
            thread.join()
