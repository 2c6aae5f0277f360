"""A stand-in for a Kubernetes API, for the answers that a real one gives only when it is unwell."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, Any]  # a status, and JSON or bytes
Answering = Callable[[str, dict[str, str]], Answer]  # from a path and its query


@contextmanager
def telling(answer: Answering) -> Iterator[str]:
    """An API that answers so; its URL."""

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = answer(parts.path, dict(parse_qsl(parts.query)))
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def kubeconfig(folder: Path, url: str, **user: Any) -> str:  # noqa: ANN401 - any field of a user
    """A kubeconfig with one context, `here`, which is the current one."""
    path = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user or {"token": "secret"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "here",
    }
    path.write_text(json.dumps(content))
    return str(path)


def listing(**items: list[Any]) -> Answering:
    """An API that has these objects, by the last word of their path; nothing of other kinds."""

    def answer(path: str, _: dict[str, str]) -> Answer:
        return 200, {"items": items.get(path.rpartition("/")[2], []), "metadata": {}}

    return answer
