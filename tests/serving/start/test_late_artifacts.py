"""Whole processes whose artifact comes late, in pieces, to several at once, or finds no room."""

import resource
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from modelserver import errors
from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import write_release
from waiting import until

if TYPE_CHECKING:
    from tests.serving.conftest import Start

ROOM_BYTES = 16 << 10


def model() -> onnx.ModelProto:
    """The affine model with 64 KB that it does not need."""
    found = onnx_models.affine()
    weights = numpy_helper.from_array(np.zeros(16 << 10, np.float32), "unused")
    found.graph.initializer.append(weights)
    return found


class Source:
    """An HTTP server of one artifact, whose first transfers may die or wait."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[str | None] = []
        self.die_after: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers["range"]
                source.asked.append(asked)
                first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
                size = len(content)
                self.send_response(206 if asked else 200)
                if asked:
                    self.send_header("content-range", f"bytes {first}-{size - 1}/{size}")
                self.send_header("content-length", str(size - first))
                self.end_headers()
                source.go_on.wait()
                last = source.die_after.pop(0) if source.die_after else size
                self.wfile.write(content[first:last])

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/model.onnx"


@pytest.fixture
def source() -> Iterator[Source]:
    """A source of the model, on the loopback interface."""
    found = Source(model().SerializeToString())
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.go_on.set()
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def release(folder: Path, source: Source, **settings: Any) -> dict[str, str]:  # noqa: ANN401
    """Environment of a server that fetches the model from the source."""
    return write_release(folder, model(), ARTIFACT_URI=source.url, **settings)


def test_dying_transfers_are_gone_on_with(tmp_path: Path, start: "Start", source: Source) -> None:
    """A connection that dies twice costs two attempts, and no byte is asked for again."""
    source.die_after = [10_000, 40_000]
    server = start(release(tmp_path, source))
    server.until("ready")

    assert source.asked == [None, "bytes=10000-", "bytes=40000-"]
    assert len(server.events("artifact-transfer-failed")) == 2
    assert server.infer(GOOD).status_code == 200


def test_killed_start_is_gone_on_with(tmp_path: Path, start: "Start", source: Source) -> None:
    """What a start that was killed had brought is not brought again by the next one."""
    source.die_after = [30_000]
    source.die_after += [30_000] * 9
    first = start(release(tmp_path, source))
    first.until("artifact-transfer-failed")
    first.process.kill()
    first.exit_code()
    source.die_after.clear()
    source.asked.clear()
    second = start(release(tmp_path, source))
    second.until("ready")

    assert source.asked == ["bytes=30000-"]


def test_starts_share_one_cache(tmp_path: Path, start: "Start", source: Source) -> None:
    """Of three starts on one cache one fetches; the others wait for it, and all serve."""
    source.go_on.clear()
    servers = [start(release(tmp_path, source)) for _ in range(3)]
    until(
        lambda: [len(server.events("artifact-wait")) for server in servers],
        lambda waits: sum(map(bool, waits)) == 2,
    )
    source.go_on.set()
    for server in servers:
        server.until("ready")

    assert source.asked == [None]
    assert [server.infer(GOOD).status_code for server in servers] == [200] * 3


def test_full_disk_ends_the_start(tmp_path: Path, start: "Start", source: Source) -> None:
    """Where the cache has no room the start ends with its own code and leaves nothing behind."""
    source.go_on.clear()
    server = start(release(tmp_path, source))
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (ROOM_BYTES, ROOM_BYTES))
    source.go_on.set()
    code = server.exit_code()
    failed = server.events("start-failed")[0]

    assert code == errors.CacheFull.exit_code
    assert (failed["error"], failed["step"]) == ("CacheFull", "fetching the artifact")
    assert not list((tmp_path / "cache" / "sha256").glob("*.partial"))
