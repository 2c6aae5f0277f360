"""A program with the environment and endpoints of a model server, and faults on demand.

`STAND_IN` is JSON: `exit` [code, last words], `never` start, `deaf` to SIGTERM.
`POST /<state>/<0|1>` sets `ready` or `live`.
"""

import http.server
import json
import os
import signal
import sys
import threading

ORDERS = json.loads(os.environ.get("STAND_IN", "{}"))
STATE = {"ready": True, "live": True}


class Handler(http.server.BaseHTTPRequestHandler):
    """Probes by `STATE`; everything else answers with the environment."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a probe, or the environment as JSON."""
        state = self.path.rsplit("/", 1)[-1]
        started = "started" in self.path and not ORDERS.get("never")
        good = started if "started" in self.path else STATE.get(state, True)
        self._answer(200 if good else 503)

    def do_POST(self) -> None:
        """Set a state."""
        _, state, value = self.path.split("/")
        STATE[state] = value == "1"
        self._answer(200)

    def _answer(self, status: int) -> None:
        body = json.dumps(dict(os.environ)).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    """Serve until SIGTERM."""
    if "exit" in ORDERS:
        code, words = ORDERS["exit"]
        sys.stderr.write(f"{words}\n")
        sys.exit(code)
    address = (os.environ["MODELSERVER_HOST"], int(os.environ["MODELSERVER_PORT"]))
    server = http.server.ThreadingHTTPServer(address, Handler)
    end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: None if ORDERS.get("deaf") else end.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    end.wait()


main()
